package memory

import "reflect"

// Counters are the events of the memory system. All counts are totals since the System was made; Sub gives those
// of one kernel.
type Counters struct {
	// SM side.
	LoadInstructions   int64 // warp instructions by kind: global and local loads
	StoreInstructions  int64 // global and local stores
	AtomicInstructions int64 // with and without a result
	LoadSectors        int64 // 32-byte sectors that the loads asked for
	StoreSectors       int64 // that the stores wrote
	AtomicSectors      int64 // that the atomics touched
	Lines              int64 // 128-byte lines touched, summed over instructions
	L1Accesses         int64 // sectors looked up in L1
	L1Hits             int64 // sectors found
	L1Merged           int64 // sectors already on their way for an earlier miss
	L1Misses           int64 // sectors requested from L2
	L1Bypassed         int64 // load sectors that do not use L1
	MSHRStalls         int64 // cycles that accesses waited for a free miss entry
	StoreStalls        int64 // cycles that accesses waited for a free store entry
	// Crossbar.
	RequestPackets int64 // packets from SMs to L2 slices
	RequestBytes   int64 // data, headers included
	ReplyPackets   int64 // packets back
	ReplyBytes     int64 // data, headers included
	RequestWait    int64 // cycles that packets waited for an SM's request port, summed
	ReplyWait      int64 // cycles that packets waited for an SM's reply port, summed
	// L2.
	L2Reads       int64 // sectors
	L2ReadHits    int64 // sectors found
	L2ReadMerged  int64 // sectors already on their way from DRAM
	L2ReadMisses  int64 // sectors asked from DRAM
	L2Writes      int64 // sectors
	L2WriteHits   int64 // sectors written where the line was present
	L2WriteMisses int64 // written without a fill
	L2Atomics     int64 // sectors
	L2AtomicOps   int64 // thread operations
	L2WriteBacks  int64 // dirty sectors evicted
	L2Wait        int64 // cycles that packets waited at a slice's input, summed
	L2Stalls      int64 // cycles that a slice stood still because a DRAM queue was full
	// DRAM, in bursts of a sector.
	DRAMReads     int64 // bursts
	DRAMWrites    int64 // bursts
	DRAMRowHits   int64 // bursts that no row had to be opened for
	DRAMActivates int64 // rows opened
	DRAMRefreshes int64 // refreshes of a channel
	DRAMTurns     int64 // changes between reading and writing
}

// Add adds d to c.
func (c *Counters) Add(d *Counters) { c.combine(d, 1) }

// Sub returns c less d: what happened between two readings.
func (c Counters) Sub(d *Counters) Counters {
	c.combine(d, -1)
	return c
}

// combine adds sign x d to c, field by field, so that no counter can be forgotten.
func (c *Counters) combine(d *Counters, sign int64) {
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(d).Elem()
	for i := range to.NumField() {
		to.Field(i).SetInt(to.Field(i).Int() + sign*from.Field(i).Int())
	}
}

// ByName returns all counters by their names in lower case with underscores: l1_hits, dram_row_hits, mshr_stalls.
func (c *Counters) ByName() map[string]int64 {
	out := map[string]int64{}
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		var name []byte
		camel := v.Type().Field(i).Name
		for k := 0; k < len(camel); k++ {
			upper := camel[k] >= 'A' && camel[k] <= 'Z'
			// A word starts at an upper-case letter behind a lower-case letter or digit, or before a lower-case one.
			if upper && k > 0 && (camel[k-1] < 'A' || camel[k-1] > 'Z' || k+1 < len(camel) && camel[k+1] >= 'a' &&
				camel[k+1] <= 'z') {
				name = append(name, '_')
			}
			c := camel[k]
			if upper {
				c += 'a' - 'A'
			}
			name = append(name, c)
		}
		out[string(name)] = v.Field(i).Int()
	}
	return out
}

// DRAMBytes is what crossed the DRAM pins.
func (c *Counters) DRAMBytes() int64 { return SectorBytes * (c.DRAMReads + c.DRAMWrites) }

// L2Bytes is what L2 read and wrote for the SMs.
func (c *Counters) L2Bytes() int64 { return SectorBytes * (c.L2Reads + c.L2Writes + c.L2Atomics) }

// L1Bytes is what the SMs' loads asked of L1, hits and misses.
func (c *Counters) L1Bytes() int64 { return SectorBytes * c.L1Accesses }

// Rates are shares, 0 where there was nothing to count.
type Rates struct {
	L1Hit  float64 // of the sectors looked up, those found or already on their way
	L2Hit  float64 // of the sectors read, those found or already on their way
	RowHit float64 // of the DRAM bursts, those that no row had to be opened for
}

// Rates returns the hit rates.
func (c *Counters) Rates() Rates {
	share := func(part, whole int64) float64 {
		if whole == 0 {
			return 0
		}
		return float64(part) / float64(whole)
	}
	return Rates{
		L1Hit:  share(c.L1Hits+c.L1Merged, c.L1Accesses),
		L2Hit:  share(c.L2ReadHits+c.L2ReadMerged, c.L2Reads),
		RowHit: share(c.DRAMRowHits, c.DRAMReads+c.DRAMWrites),
	}
}

// Bandwidth is achieved bandwidth in GB/s (10^9 bytes a second).
type Bandwidth struct{ L1, L2, DRAM float64 }

// Bandwidth returns the bandwidth of each level over so many core cycles at a core clock of coreMHz.
func (c *Counters) Bandwidth(cycles int64, coreMHz float64) Bandwidth {
	if cycles <= 0 {
		return Bandwidth{}
	}
	per := coreMHz / 1e3 / float64(cycles)
	return Bandwidth{float64(c.L1Bytes()) * per, float64(c.L2Bytes()) * per, float64(c.DRAMBytes()) * per}
}
