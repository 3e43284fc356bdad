package isa

import (
	"fmt"
	"strings"
)

// row128 is a row of words of 128 bits: the lowest nine bits are the operation's, the next three say where its sources
// are. A
// row stands for a form each of its letter in forms:
//
//	1 registers          2 immediate last, second source at 64    3 constant last, second source at 64
//	4 immediate second   5 constant second                        6 uniform register second   7 uniform register last
//	a uniform registers  b immediate last, all else uniform       d immediate second, all else uniform
//	r registers, with bit 91 set: operations that read a uniform register at a place of their own
//	s the seventh form with bit 91 clear    k u the fifth with it clear, set
//
// Its spec begins with where it exists (80+ from sm_80 on, <80 below) and further bits that choose the row: =77:3:2 are
// three bits from 77 on that hold 2. In it, $f, $i, $u, $d, $h and $b stand for the second source, by the kind of its
// immediate (float, integer printed with a sign, without, double, two halves, two of bfloat16), and $3 for the last. In
// their brackets -, | and ~ are bits that negate, take the absolute value of or invert what is at bit 32 or 64, half a
// selection of halves with both, nhalf one of sm_86, sign both of a half, part the half of a conversion's source; keep
// stands before what a number has too.
type row128 struct {
	op    Op
	forms string
	code  uint64
	spec  string
}

// placed are the attributes of a source by its place in the word.
var placed = map[string]*strings.Replacer{
	"32": strings.NewReplacer("nhalf", "-63,|62,nswizzle@60:2+86:1", "half", "-63,|62,swizzle@60:2", "sign", "-63,|62",
		"part", "h1@60:2,spaced", "-", "-63", "|", "|62", "~", "~63"),
	"64": strings.NewReplacer("nhalf", "-84,|83,nswizzle@81:2+86:1", "half", "-84,|83,swizzle@81:2", "sign", "-84,|83",
		"part", "", "-", "-75", "|", "|74", "~", "~75"),
}

// immediates are the tokens of an immediate by its kind.
var immediates = map[byte]string{'f': "F", 'i': "s32:32", 'u': "u32:32", 'd': "D32:32", 'h': "H48:16 H32:16",
	'b': "b48:16 b32:16"}

// expandForms replaces rows by one for each of their forms; those with a constant have one more, whose bank is
// bindless.
func expandForms(rows []row128) []row {
	var out []row
	for _, r := range rows {
		for _, form := range r.forms {
			for _, bound := range []bool{true, false} {
				if bound || form == '3' || form == '5' {
					out = append(out, r.form(byte(form), bound))
				}
			}
		}
	}
	return out
}

// form is the row of one form.
func (r *row128) form(form byte, bound bool) row {
	kind, second, last := byte(' '), "R32", "R64"
	if at := strings.IndexByte(r.spec, '$'); at >= 0 {
		kind = r.spec[at+1]
	}
	number, uniform := uint64(form-'0'), false
	constant := "C"
	if !bound {
		constant, uniform = "Y32", true
	}
	switch form {
	case '2':
		second, last = "R64", immediates[kind]
	case '3':
		second, last = "R64", constant
	case '4':
		second = immediates[kind]
	case '5':
		second = constant
	case '6':
		second, uniform = "U32", true
	case '7':
		second, last, uniform = "R64", "U32", true
	case 's':
		number = 7
	case 'u':
		number, uniform = 5, true
	case 'k':
		number = 5
	case 'a':
		number, second, last, uniform = 1, "U32", "U64", true
	case 'b':
		number, second, last, uniform = 2, "U64", immediates[kind], true
	case 'd':
		number, second, last, uniform = 4, immediates[kind], "U64", true
	case 'r':
		number, uniform = 1, true
	}
	if !strings.Contains(r.spec, "$3") && last != "R64" && last != "U64" { // two sources: the one at 64 is not there
		second = last
	}
	match := Word{r.code | number<<9, 0}
	if uniform {
		match.Hi = bindless
	}
	mask := Word{0xfff, bindless}
	spec := replaceSource(replaceSource(r.spec, kind, second), '3', last)
	out := row{op: r.op}
	for {
		if arch, rest, found := strings.Cut(spec, "+ "); found && len(arch) == 2 { // 80+
			out.since, spec = int(out.number(arch)), rest
			continue
		}
		if spec != "" && spec[0] == '<' { // <80
			out.before, spec = int(out.number(spec[1:3])), spec[4:]
			continue
		}
		if spec == "" || spec[0] != '=' {
			break
		}
		var choice string
		choice, spec, _ = strings.Cut(spec, " ")
		var at, width uint8
		var value uint64
		if n, err := fmt.Sscanf(choice, "=%d:%d:%d", &at, &width, &value); n != 3 {
			panic(fmt.Sprintf("isa: table row %s: cannot read %q: %v", r.op, choice, err))
		}
		mask, match = mask.set(at, width, 1<<width-1), match.set(at, width, value)
	}
	out.match, out.mask, out.spec = match, mask, spec
	return out
}

// replaceSource puts an operand in place of $kind, and gives it the attributes of its place.
func replaceSource(spec string, kind byte, token string) string {
	before, after, found := strings.Cut(spec, "$"+string(kind))
	if !found {
		return spec
	}
	attrs := ""
	if strings.HasPrefix(after, "(") {
		attrs, after, _ = strings.Cut(after[1:], ")")
		place := placed["32"]
		switch {
		case strings.HasSuffix(token, "64"):
			place = placed["64"]
		case strings.Contains(token, ":"), token == "F": // numbers have but what is marked
			_, attrs, _ = strings.Cut(attrs, "keep")
			attrs, _, _ = strings.Cut(attrs, ",")
		}
		attrs = place.Replace(strings.TrimPrefix(attrs, "keep"))
		if token != "C" && token != "Y32" {
			attrs = strings.ReplaceAll(","+attrs, ",spaced", "")
		}
		if attrs = strings.Trim(attrs, ","); attrs != "" {
			attrs = "(" + attrs + ")"
		}
	}
	return before + token + attrs + after
}
