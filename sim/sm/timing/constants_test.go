package timing

import "testing"

// Two schedulers of one port read at half the rate when each instruction needs another line, at the full rate when
// they keep the line they have; with a port each they never wait.
func TestConstantPorts(t *testing.T) {
	const reads = 1000
	for _, c := range []struct {
		name       string
		ports, per int   // of four schedulers; instructions of one line
		cycles     int64 // that the reads take
	}{
		{"unlimited", 0, 1, reads},
		{"one for two, another line each time", 2, 1, 2 * reads},
		{"one for two, a line for two instructions", 2, 2, reads},
		{"one for two, always the same line", 2, reads, reads},
		{"one for all, another line each time", 1, 1, 4 * reads},
		{"one for all, a line for four instructions", 1, 4, reads},
		{"a port each", 4, 1, reads},
	} {
		k := newConstantCache(&CCache{Bytes: 2048, LineBytes: 64, Miss: 60, Ports: c.ports}, 4)
		for line := int32(1); line <= 2; line++ { // both lines are there when the count begins
			k.read(0, line, 0, 0)
		}
		const begin = 1000
		var next, last [4]int64
		for i := range next {
			next[i] = begin
			k.latest[i] = 0
		}
		for done := 0; done < 4*reads; {
			s := 0 // the scheduler that is furthest behind
			for i := range next {
				if next[i] < next[s] {
					s = i
				}
			}
			n := int(last[s])
			at, miss := k.read(uint8(s), 1+int32(n/c.per%2), next[s], next[s])
			if miss {
				t.Fatalf("%s: line %d is not there", c.name, 1+n/c.per%2)
			}
			next[s] = at + 1
			last[s]++
			if last[s] == reads {
				done += reads
				next[s] = Never
				if at+1-begin > c.cycles+8 || at+1-begin < c.cycles-8 && done == 4*reads {
					t.Errorf("%s: %d reads took %d cycles, expected %d", c.name, reads, at+1-begin, c.cycles)
				}
			}
		}
	}
}
