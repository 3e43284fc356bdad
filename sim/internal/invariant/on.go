//go:build check

package invariant

// On says that this program checks itself.
const On = true
