// Package sm holds no code: one streaming multiprocessor is four packages below it, each a room of its own.
//
//   - lower: a machine instruction becomes an Op (code, unit, operands, register banks).
//   - exec: an Op computes values in the state of a warp and its block; without a clock.
//   - timing: when each warp issues; schedulers, barriers, caches, room for blocks, counters, hazards.
//   - functional: the same values without time, a block after the other.
//
// Imports point down: timing and functional to exec to lower. The tests here run whole kernels through the rooms
// together.
package sm
