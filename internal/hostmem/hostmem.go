// Package hostmem says how much memory the machine has left, so that work that cannot fit is refused before it takes
// the whole process down: Go ends a program that the operating system gives no memory to.
package hostmem

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
