package workloads

import "testing"

// FuzzArg: the text of an argument or a variable is refused, or has bytes in whole alignments and buffers of a size.
func FuzzArg(f *testing.F) {
	for _, text := range []string{"i32:5", "u64:0xffffffffffffffff", "f16:65504", "bool:true", "bytes:00ff", "buf:0",
		"buf:4096:file=x.bin,out=y", "buf:16:normal=1", "buf:8:f32=0.5", "buf:12:iota", "struct:{u8:1,f64:2,struct:{i16:-1}}",
		"struct:{}", "struct:{buf:4,out=x,u8:1}", "n=i32:4", "n:64:uniform=7,out=a,b", "bfu:4096", "buf:-1", "struct:{{"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSpec(text); err == nil {
			data, err := s.bytes(nil, nil)
			if err != nil || s.align < 1 || s.fields != nil && len(data)%s.align != 0 {
				t.Errorf("%q: %d bytes, aligned to %d, %v", text, len(data), s.align, err)
			}
		}
		if name, s, b, err := parseVariable(text); err == nil && (name == "" || (s == nil) == (b == nil)) {
			t.Errorf("%q: variable %q, %v, %v", text, name, s, b)
		}
		for _, b := range Buffers([]string{text}, []string{text}) {
			if b.Bytes < 1 {
				t.Errorf("%q has a buffer of %d bytes", text, b.Bytes)
			}
		}
	})
}
