package nearest

import "testing"

func TestHint(t *testing.T) {
	names := []string{"hidden", "rates", "method", "rows-k", "rdp", "tdp", "gtx1080ti", "gtx1080", "m", "n", "k"}
	for word, want := range map[string]string{
		"hiden": ` (did you mean "hidden"?)`, "rate": ` (did you mean "rates"?)`, "rows_k": ` (did you mean "rows-k"?)`,
		"GTX1080Ti": ` (did you mean "gtx1080ti"?)`, "gtx1080t": ` (did you mean "gtx1080ti"?)`,
		"gtx1080it": ` (did you mean "gtx1080ti"?)`,
		"rows-k ":   ` (did you mean "rows-k"?)`, "rpd": ` (did you mean "rdp"?)`, "banana": "", "": "",
		"q": "", "method": "",
	} {
		if got := Hint(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
