package isa

import "strings"

// expand replaces rows with $ operands by one row for each kind of operand. A register form 5xyz has its constant
// form at 4xyz, its immediate form (20 bits, sign in bit 56) at twice the distance of 58xx from 30xx, and its form
// with the third operand in constant memory at (5x-8)yz.
func expand(rows []row64) []row {
	var out []row
	add := func(r row64) {
		out = append(out, row{op: r.op, match: Word{Lo: r.match}, mask: Word{Lo: r.mask}, spec: r.spec})
	}
	for _, r := range rows {
		if strings.Contains(r.spec, "$v") || strings.Contains(r.spec, "$u") {
			for _, v := range expandVideo(r) {
				add(v)
			}
			continue
		}
		at := strings.IndexByte(r.spec, '$')
		if at < 0 {
			add(r)
			continue
		}
		kind := r.spec[at+1]
		with := func(match, mask uint64, operand, third string) {
			s := strings.Replace(r.spec, "$"+string(kind), operand, 1)
			if operand != "C" {
				s = strings.Replace(strings.Replace(s, ",spaced", "", 1), "(spaced)", "", 1)
			}
			s = strings.Replace(s, "$3", third, 1)
			add(row64{r.op, match, mask, strings.ReplaceAll(s, "()", "")})
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

// expandVideo makes the rows of a video instruction: its second source is 16 bits, zero-extended or (bit 49)
// sign-extended, or with bit 50 a part of a register.
func expandVideo(r row64) []row64 {
	const (
		register, signed = 1 << 50, 1 << 49
		maskA, wordA     = 7<<36 | 1<<48, 6<<36 | 1<<48 // two whole signed numbers go without types
		maskB, wordB     = 7<<28 | signed, 6<<28 | signed
	)
	with := func(bits, mask uint64, types, operand string) row64 {
		if types != "" {
			types = ".vtype@36:3+48:1 " + types
		}
		s := strings.NewReplacer("$v", types, "$u", types,
			"$V(", operand+",", "$V", operand+")", "$U", operand+")").Replace(r.spec)
		s = strings.ReplaceAll(strings.ReplaceAll(s, "(,", "("), "()", "")
		return row64{r.op, r.match | bits, r.mask | mask, s}
	}
	if strings.Contains(r.spec, "$u") {
		return []row64{
			with(wordA, register|maskA, "", "u20:16(minus"),
			with(register|wordA|wordB&^signed, register|maskA|maskB&^signed, "", "R20("),
			with(0, register, ".U16", "u20:16(minus"),
			with(register, register, ".vtypeu@28:3", "R20(vpart@28:3"),
		}
	}
	second := "s20:16"
	if r.op == OpVMAD || r.op == OpVADD {
		second = "I20:16"
	}
	rows := []row64{
		with(0, register|signed, ".U16", "u20:16(minus"),
		with(signed, register|signed, ".S16", second+"(minus"),
		with(register, register, ".vtype@28:3+49:1", "R20(vpart@28:3"),
	}
	if r.op != OpVMAD {
		rows = append(rows, with(register|wordA|wordB, register|maskA|maskB, "", "R20("))
	}
	if r.op != OpVMAD && r.op != OpVSETP {
		rows = append(rows, with(signed|wordA, register|signed|maskA, "", second+"(minus"))
	}
	return rows
}
