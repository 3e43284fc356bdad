package exec

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// formatter does what C's printf does with a format and its arguments, which lie one behind the other, each at a
// multiple of its size.
type formatter struct {
	args   uint64 // address of the next argument
	read   func(addr uint64, p []byte) bool
	text   func(addr uint64) (string, bool)
	out    []byte
	parsed int32 // arguments
}

// conversion is what stands between % and the letter.
type conversion struct {
	minus, plus, space, alt, zero bool
	width, precision              int // precision -1 = none given
	long                          int // 2: 64 bits, 0: 32, -1: 16, -2: 8
}

// maxWidth bounds a field, so that a wrong format does not fill the host's memory.
const maxWidth = 4096

// take reads an argument of n bytes.
func (f *formatter) take(n int) (uint64, bool) {
	var b [8]byte
	f.args = (f.args + uint64(n) - 1) &^ uint64(n-1)
	if !f.read(f.args, b[:n]) {
		return 0, false
	}
	f.args += uint64(n)
	f.parsed++
	return binary.LittleEndian.Uint64(b[:]), true
}

// format appends the formatted text to f.out. It reports false where an argument cannot be read.
func (f *formatter) format(s string) bool {
	for {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			f.out = append(f.out, s...)
			return true
		}
		f.out = append(f.out, s[:at]...)
		rest := s[at+1:]
		c, rest, ok := f.conversion(rest)
		if !ok {
			return false
		}
		if rest == "" { // a % at the end
			f.out = append(f.out, s[at:]...)
			return true
		}
		if known, ok := f.convert(&c, rest[0]); !ok {
			return false
		} else if !known {
			f.out = append(f.out, s[at:len(s)-len(rest)+1]...)
		}
		s = rest[1:]
	}
}

// conversion reads flags, width, precision and length.
func (f *formatter) conversion(s string) (c conversion, rest string, ok bool) {
	c.precision = -1
flags:
	for ; s != ""; s = s[1:] {
		switch s[0] {
		case '-':
			c.minus = true
		case '+':
			c.plus = true
		case ' ':
			c.space = true
		case '#':
			c.alt = true
		case '0':
			c.zero = true
		default:
			break flags
		}
	}
	number := func() (n int, ok bool) {
		if strings.HasPrefix(s, "*") {
			s = s[1:]
			v, ok := f.take(4)
			return max(min(int(int32(v)), maxWidth), -maxWidth), ok
		}
		for ; s != "" && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
			n = min(10*n+int(s[0]-'0'), maxWidth)
		}
		return n, true
	}
	if c.width, ok = number(); !ok {
		return c, s, false
	}
	if c.width < 0 {
		c.minus, c.width = true, -c.width
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		if c.precision, ok = number(); !ok {
			return c, s, false
		}
	}
	for ; s != ""; s = s[1:] {
		switch s[0] {
		case 'h':
			c.long--
			continue
		case 'l', 'j', 'z', 't', 'L':
			c.long = 2
			continue
		}
		break
	}
	return c, s, true
}

// convert formats one argument. known is false for a letter that C does not have.
func (f *formatter) convert(c *conversion, letter byte) (known, ok bool) {
	switch letter {
	case '%':
		f.out = append(f.out, '%')
	case 'd', 'i', 'u', 'o', 'x', 'X':
		n := 4
		if c.long > 0 {
			n = 8
		}
		v, ok := f.take(n)
		if !ok {
			return true, false
		}
		f.integer(c, letter, v)
	case 'c':
		v, ok := f.take(4)
		if !ok {
			return true, false
		}
		c.zero = false
		f.pad(c, "", string([]byte{byte(v)}))
	case 'p':
		v, ok := f.take(8)
		if !ok {
			return true, false
		}
		c.zero = false
		text := "(nil)"
		if v != 0 {
			text = "0x" + strconv.FormatUint(v, 16)
		}
		f.pad(c, "", text)
	case 's':
		v, ok := f.take(8)
		if !ok {
			return true, false
		}
		text := "(null)"
		if v != 0 {
			if text, ok = f.text(v); !ok {
				return true, false
			}
		}
		if c.precision >= 0 {
			text = text[:min(c.precision, len(text))]
		}
		c.zero = false
		f.pad(c, "", text)
	case 'f', 'F', 'e', 'E', 'g', 'G', 'a', 'A':
		v, ok := f.take(8)
		if !ok {
			return true, false
		}
		f.float(c, letter, math.Float64frombits(v))
	default:
		return false, true
	}
	return true, true
}

// pad appends text, in front of it prefix, filled up to the width.
func (f *formatter) pad(c *conversion, prefix, text string) {
	fill := max(c.width-len(prefix)-len(text), 0)
	if !c.minus && !c.zero {
		f.out = append(f.out, strings.Repeat(" ", fill)...)
	}
	f.out = append(f.out, prefix...)
	if !c.minus && c.zero {
		f.out = append(f.out, strings.Repeat("0", fill)...)
	}
	f.out = append(f.out, text...)
	if c.minus {
		f.out = append(f.out, strings.Repeat(" ", fill)...)
	}
}

// sign is what stands in front of a number that is not negative.
func (c *conversion) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case c.plus:
		return "+"
	case c.space:
		return " "
	}
	return ""
}

func (f *formatter) integer(c *conversion, letter byte, v uint64) {
	signed := letter == 'd' || letter == 'i'
	bits := 64
	if c.long < 2 {
		bits = 32
	}
	if c.long < 0 {
		bits = max(32>>-c.long, 8)
	}
	prefix := ""
	v = v << (64 - bits) >> (64 - bits)
	if signed {
		n := int64(v<<(64-bits)) >> (64 - bits)
		prefix = c.sign(n < 0)
		if v = uint64(n); n < 0 {
			v = -v
		}
	}
	text := ""
	switch letter {
	case 'o':
		if text = strconv.FormatUint(v, 8); c.alt && v != 0 {
			text = "0" + text
		}
	case 'x', 'X':
		if text = strconv.FormatUint(v, 16); c.alt && v != 0 {
			prefix = "0x"
		}
		if letter == 'X' {
			text, prefix = strings.ToUpper(text), strings.ToUpper(prefix)
		}
	default:
		text = strconv.FormatUint(v, 10)
	}
	if c.precision >= 0 {
		c.zero = false
		if c.precision == 0 && v == 0 {
			text = ""
		}
		text = strings.Repeat("0", max(c.precision-len(text), 0)) + text
	}
	f.pad(c, prefix, text)
}

func (f *formatter) float(c *conversion, letter byte, x float64) {
	lower := letter | 0x20
	prefix := c.sign(math.Signbit(x))
	text := ""
	switch x = math.Abs(x); {
	case math.IsInf(x, 0):
		text, c.zero = "inf", false
	case math.IsNaN(x):
		text, c.zero = "nan", false
	case lower == 'a':
		text = hexFloat(x, c.precision)
		prefix, text = prefix+"0x", text[2:]
	default:
		p := c.precision
		if p < 0 {
			p = 6
		}
		if lower == 'g' {
			text = shortest(x, max(p, 1), c.alt)
		} else {
			text = strconv.FormatFloat(x, lower, p, 64)
		}
		if c.alt && p == 0 && lower != 'g' {
			mantissa, exponent, _ := strings.Cut(text, "e")
			if text = mantissa + "."; lower == 'e' {
				text += "e" + exponent
			}
		}
	}
	if letter < 'a' {
		prefix, text = strings.ToUpper(prefix), strings.ToUpper(text)
	}
	f.pad(c, prefix, text)
}

// shortest is %g: p significant digits, as %e where the exponent is below -4 or not below p, zeros at the end left out
// unless keep.
func shortest(x float64, p int, keep bool) string {
	e := strconv.FormatFloat(x, 'e', p-1, 64)
	mantissa, exponent, _ := strings.Cut(e, "e")
	n, _ := strconv.Atoi(exponent)
	if n >= -4 && n < p {
		mantissa, exponent = strconv.FormatFloat(x, 'f', p-1-n, 64), ""
	}
	if !keep && strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	if exponent != "" {
		mantissa += "e" + exponent
	}
	return mantissa
}

// hexFloat is %a: Go writes exponents with two digits at least, C with one.
func hexFloat(x float64, precision int) string {
	s := strconv.FormatFloat(x, 'x', precision, 64)
	mantissa, exponent, _ := strings.Cut(s, "p")
	if len(exponent) == 3 && exponent[1] == '0' {
		exponent = exponent[:1] + exponent[2:]
	}
	return mantissa + "p" + exponent
}
