//go:build linux && !race

package sim_test

const raceDetector = false
