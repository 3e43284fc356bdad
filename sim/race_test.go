//go:build linux && race

package sim_test

// raceDetector takes several times the memory and time, so that limits of both say nothing.
const raceDetector = true
