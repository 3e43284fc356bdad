// Package sm holds no code: one streaming multiprocessor is three packages below it, each a room of its own.
//
//   - lower: a machine instruction becomes an Op (code, unit, operands, register banks).
//   - exec: an Op computes values in the state of a warp and its block; without a clock.
//   - timing: when each warp issues; schedulers, barriers, caches, room for blocks, counters, hazards.
//
// Imports point down: timing to exec to lower. The tests here run whole kernels through the rooms together.
package sm
