//go:build !unix

package driver

func interruptSelf() {}
