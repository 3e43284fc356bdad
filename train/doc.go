// Package train trains the paper's perceptron on MNIST on the CPU, without dropout, with conventional dropout,
// DropConnect, RDP and TDP. RDP and TDP compute products of the kept rows or tiles only.
package train
