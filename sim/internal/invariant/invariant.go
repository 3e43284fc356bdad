// Package invariant lets the simulator check its own state while it runs. Without the build tag check it costs nothing:
// On is a constant, and what stands behind it is not compiled.
//
//	go test -tags check ./sim/... ./workloads/...
package invariant

import "fmt"

// Hold panics with what is broken unless ok. Call it where On only.
func Hold(ok bool, format string, args ...any) {
	if !ok {
		panic("invariant: " + fmt.Sprintf(format, args...))
	}
}
