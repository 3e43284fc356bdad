package isa

import "strings"

// expand replaces rows with $ operands by one row for each kind of operand. A register form 5xyz has its constant
// form at 4xyz, its immediate form (20 bits, sign in bit 56) at twice the distance of 58xx from 30xx, and its form
// with the third operand in constant memory at (5x-8)yz.
func expand(rows []row) []row {
	var out []row
	for _, r := range rows {
		at := strings.IndexByte(r.spec, '$')
		if at < 0 {
			out = append(out, r)
			continue
		}
		kind := r.spec[at+1]
		with := func(match, mask uint64, operand, third string) {
			s := strings.Replace(r.spec, "$"+string(kind), operand, 1)
			s = strings.Replace(s, "$3", third, 1)
			out = append(out, row{r.op, match, mask, strings.ReplaceAll(s, "()", "")})
		}
		with(r.match, r.mask, "R20", "R39")
		with(r.match-0x10<<56, r.mask, "C", "R39")
		top, rest := r.match>>56, r.match&(1<<56-1)
		with((0x30+(top-0x58)*2)<<56|rest, r.mask&^(1<<56), string(kind), "R39")
		if strings.Contains(r.spec, "$3") {
			with(r.match-8<<56, r.mask, "R39", "C")
		}
	}
	return out
}
