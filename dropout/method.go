// Package dropout holds the methods that drop neurons and synapses: Bernoulli masks, the paper's row and tile patterns
// (RDP, TDP), the search for their distribution (Algorithm 1) and their sampling.
package dropout

// Method names a way to drop, the same in YAML, JSON, plots and code.
type Method string

const (
	None Method = "none" // no dropout
	// conventional dropout: everything is computed, a Bernoulli mask multiplies the result
	Dense       Method = "dense"
	Masked      Method = "masked"      // conventional dropout, skipped by if-else inside the GEMM: threads diverge
	DropConnect Method = "dropconnect" // Bernoulli mask on synapses
	RDP         Method = "rdp"         // row-based dropout pattern: one row in dp kept
	TDP         Method = "tdp"         // tile-based dropout pattern: one weight tile in dp kept
)
