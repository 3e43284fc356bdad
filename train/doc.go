// Package train trains the networks of the paper on the CPU: a multi-layer perceptron on MNIST and a word LSTM, without
// dropout, with conventional dropout, DropConnect, RDP and TDP. RDP and TDP compute products of the kept rows or tiles only.
package train
