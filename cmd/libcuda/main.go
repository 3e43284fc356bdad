//go:build !(libcuda && cgo)

// Command libcuda prints the C entry points of the driver library, from the signatures of package driver. The library
// itself is built from the other files here with -tags libcuda: see scripts/libcuda.sh.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"warpdrop/driver"
)

// types are the C types of the kinds of arguments.
var types = map[rune]string{'p': "uint64_t", 'i': "uint32_t", 'h': "uint16_t", 'b': "uint8_t"}

func main() {
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, "// Made by go run ./cmd/libcuda from driver/signatures.txt.\n#include \"stub.h\"")
	symbols := driver.Symbols()
	for i, s := range symbols {
		var params, args []string
		for j, k := range s.Args {
			params = append(params, fmt.Sprintf("%s a%d", types[k], j))
			args = append(args, fmt.Sprintf("a%d", j))
		}
		if len(params) == 0 {
			params, args = []string{"void"}, []string{"0"}
		}
		fmt.Fprintf(out, "EXPORT int %s(%s) { uint64_t a[] = {%s}; return wd_enter(%d, a, %d); }\n",
			s.Name, strings.Join(params, ", "), strings.Join(args, ", "), i, len(s.Args))
	}
	fmt.Fprintln(out, "void *const wd_symbols[] = {")
	for _, s := range symbols {
		fmt.Fprintf(out, "\t(void *)%s,\n", s.Name)
	}
	fmt.Fprintf(out, "};\nconst int wd_symbol_count = %d;\n", len(symbols))
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
