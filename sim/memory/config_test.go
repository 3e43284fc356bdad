package memory

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestConfigRanges sets every integer of the preset to values that cannot be right; Validate must name the field.
func TestConfigRanges(t *testing.T) {
	var try func(path string, v, root reflect.Value, cfg *Config)
	try = func(path string, v, root reflect.Value, cfg *Config) {
		for i := range v.NumField() {
			f := v.Field(i)
			name := path + strings.Split(v.Type().Field(i).Tag.Get("yaml"), ",")[0]
			switch f.Kind() {
			case reflect.Struct:
				try(name+".", f, root, cfg)
			case reflect.Int, reflect.Int64:
				old := f.Int()
				for _, bad := range []int64{-1, 1 << 40} {
					f.SetInt(bad)
					if err := cfg.Validate(); err == nil {
						t.Errorf("%s: %d is accepted", name, bad)
					} else if field, _, _ := strings.Cut(name, "."); !strings.Contains(err.Error(), field) {
						t.Errorf("%s: %d: the error does not name it: %v", name, bad, err)
					}
				}
				f.SetInt(old)
			case reflect.String:
				old := f.String()
				f.SetString("best")
				if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) ||
					!strings.Contains(err.Error(), `"best" is not one of`) {
					t.Errorf("%s: error %v does not name the field and its values", name, err)
				}
				f.SetString(old)
			}
		}
	}
	cfg := preset(t)
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	try("", reflect.ValueOf(cfg).Elem(), reflect.ValueOf(cfg).Elem(), cfg)
	if err := cfg.Validate(); err != nil {
		t.Fatalf("the preset was not restored: %v", err)
	}
}

func TestConfigPeak(t *testing.T) {
	if got := preset(t).PeakBytesPerSecond(presetMHz) / 1e9; math.Abs(got-440.44) > 0.01 {
		t.Errorf("peak bandwidth is %.3f GB/s; 352 bits at 2 x 5005 MHz, the memory clock of P2, are 440.44", got)
	}
	if got := preset(t).Slices(); got != 22 {
		t.Errorf("%d L2 slices; the 1080 Ti has 22", got)
	}
}

func TestCopyTime(t *testing.T) {
	c := CopyConfig{GBps: 10, LatencyUS: 5}
	if got := c.CopyTime(1e9); math.Abs(got-0.100005) > 1e-12 {
		t.Errorf("1 GB at 10 GB/s and 5 us is %g s", got)
	}
	for _, c := range []CopyConfig{{0, 1}, {-1, 1}, {math.NaN(), 1}, {1, -1}, {1, math.NaN()}} {
		if c.Validate() == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestCountersSubAdd(t *testing.T) {
	var a, b Counters
	v := reflect.ValueOf(&a).Elem()
	for i := range v.NumField() {
		v.Field(i).SetInt(int64(3 * (i + 1)))
		reflect.ValueOf(&b).Elem().Field(i).SetInt(int64(i + 1))
	}
	d := a.Sub(&b)
	d.Add(&b)
	if d != a || a.L1Hits == 0 {
		t.Errorf("a - b + b = %+v, a = %+v", d, a)
	}
}

func TestRatesAndBandwidth(t *testing.T) {
	c := Counters{L1Accesses: 8, L1Hits: 3, L1Merged: 1, L2Reads: 10, L2ReadHits: 1, L2Writes: 6, DRAMReads: 12,
		DRAMWrites: 4, DRAMRowHits: 4}
	if got, want := c.Rates(), (Rates{.5, .1, .25}); got != want {
		t.Errorf("rates %+v, want %+v", got, want)
	}
	// 1000 cycles at 1000 MHz are a microsecond: bytes are then MB/s, thousandths of GB/s.
	if got, want := c.Bandwidth(1000, 1000), (Bandwidth{.256, .512, .512}); got != want {
		t.Errorf("bandwidth %+v, want %+v", got, want)
	}
	var none Counters
	if none.Rates() != (Rates{}) || c.Bandwidth(0, 1) != (Bandwidth{}) {
		t.Error("rates and bandwidth of nothing are not 0")
	}
}
