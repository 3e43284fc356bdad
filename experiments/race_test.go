//go:build race

package experiments

// raceDetector slows everything down several times, so that limits of time say nothing.
const raceDetector = true
