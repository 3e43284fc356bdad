// Package hostmem says how much memory the machine has left, so that work that cannot fit is refused before it takes
// the whole process down: Go ends a program that the operating system gives no memory to.
package hostmem

import (
	"errors"
	"fmt"
)

// ErrTooLarge is in the errors of Check.
var ErrTooLarge = errors.New("more than this machine has left")

// Check refuses work that needs more bytes, at least, than the machine has left.
func Check(what string, bytes int64) error {
	if free, ok := Available(bytes); ok && bytes > free {
		return fmt.Errorf("%s needs %d MiB of memory, and %d MiB are free: %w", what, bytes>>20, free>>20, ErrTooLarge)
	}
	return nil
}

// cheap is the size below which a request is not worth a look at the machine.
const cheap = 16 << 20

// Available returns the bytes that the machine can still give to this process, where the system says so. It does not
// look, and returns false, for requests so small that the answer hardly matters.
func Available(request int64) (int64, bool) {
	if request < cheap {
		return 0, false
	}
	return available()
}
