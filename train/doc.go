// Package train trains the paper's perceptron on MNIST and a word LSTM on text on the CPU, without dropout, with
// conventional dropout, DropConnect, RDP and TDP. RDP and TDP compute products of the kept rows or tiles only.
// docs/design/training.md has what is computed, how it is checked, and what it reaches.
package train
