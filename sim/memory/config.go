package memory

import (
	"fmt"
	"math/bits"
)

// Sizes that Maxwell and Pascal share, and that sector masks are made for: a cache line of 128 bytes is four sectors of
// 32 bytes, the unit in which memory is moved (NVIDIA's profiler documentation: a transaction is 32 bytes).
const (
	LineBytes      = 128
	SectorBytes    = 32
	sectorsPerLine = LineBytes / SectorBytes
	allSectors     = 1<<sectorsPerLine - 1
)

// Config holds every figure of the memory system; it comes from the GPU preset. Latencies are in core cycles but
// those of DRAM, which are in cycles of its command clock.
type Config struct {
	L1       L1Config       `yaml:"l1"`
	Crossbar CrossbarConfig `yaml:"crossbar"`
	L2       L2Config       `yaml:"l2"`
	DRAM     DRAMConfig     `yaml:"dram"`
}

// L1Config is an SM's unified L1/texture cache, made of Parts caches of equal size, each serving an equal share of the
// SM's schedulers.
type L1Config struct {
	Parts         int    `yaml:"parts"`           // separate caches an SM; Access.Part chooses
	Bytes         int    `yaml:"bytes"`           // data of one part
	Ways          int    `yaml:"ways"`            // lines a set
	Replacement   string `yaml:"replacement"`     // a key of replacements
	Latency       int    `yaml:"latency"`         // issue to data of a hit
	MissLatency   int    `yaml:"miss_latency"`    // issue to the crossbar's request port
	BytesPerClock int    `yaml:"bytes_per_clock"` // sectors that one part reads or takes a cycle, in bytes
	ReturnBytes   int    `yaml:"return_bytes"`    // what one part returns to the registers a cycle, counted by threads
	// whether global loads without a cache operator use it; .CI loads and local memory always do
	GlobalLoads bool `yaml:"global_loads"`
	// cycles of work that may wait in front of a part before it accepts no more
	Queue       int `yaml:"queue"`
	ReadLatency int `yaml:"read_latency"` // from the start of an access until its source registers have been read
	// line requests (loads and atomics with a result) an SM may have under way
	MSHRs      int `yaml:"mshrs"`
	StoreQueue int `yaml:"store_queue"` // line requests (stores and reductions) an SM may have under way
}

// CrossbarConfig is the network between SMs and L2 slices.
type CrossbarConfig struct {
	RequestBytes   int `yaml:"request_bytes"`   // an SM's request port, bytes a core cycle
	ReplyBytes     int `yaml:"reply_bytes"`     // an SM's reply port, bytes a core cycle
	SliceBytes     int `yaml:"slice_bytes"`     // an L2 slice's input port, bytes a core cycle
	HeaderBytes    int `yaml:"header_bytes"`    // of a packet, beside its data
	RequestLatency int `yaml:"request_latency"` // from the end of the packet's sending to the slice
	ReplyLatency   int `yaml:"reply_latency"`   // from the slice to the SM's reply port
}

// L2Config is the second-level cache: SlicesPerChannel slices on each DRAM channel.
type L2Config struct {
	SlicesPerChannel int    `yaml:"slices_per_channel"`
	SliceBytes       int    `yaml:"slice_bytes"` // data of one slice
	Ways             int    `yaml:"ways"`
	Replacement      string `yaml:"replacement"` // a key of replacements
	Hash             string `yaml:"hash"`        // how lines are spread over slices: a key of hashes
	// from a request's acceptance to its data at the reply crossbar, on a hit
	Latency       int `yaml:"latency"`
	BytesPerClock int `yaml:"bytes_per_clock"` // data path of a slice
	// sectors that a read miss brings from DRAM, aligned: an access's granularity
	FillSectors   int `yaml:"fill_sectors"`
	AtomicSectors int `yaml:"atomic_sectors"` // sectors of distinct words a slice's atomic unit takes a cycle
	AtomicSame    int `yaml:"atomic_same"`    // cycles between two atomics on the same word
	AtomicLatency int `yaml:"atomic_latency"` // of the operation, on top of the access
}

// DRAMConfig is device memory: Channels channels of one rank. Timings are in cycles of the command clock.
type DRAMConfig struct {
	Channels   int    `yaml:"channels"`
	Banks      int    `yaml:"banks"`
	BankGroups int    `yaml:"bank_groups"`
	RowBytes   int    `yaml:"row_bytes"`
	BusBytes   int    `yaml:"bus_bytes"`  // width of a channel
	Burst      int    `yaml:"burst"`      // transfers a column command
	DataRate   int    `yaml:"data_rate"`  // transfers a command clock
	ClockNum   int64  `yaml:"clock_num"`  // command clock / core clock =
	ClockDen   int64  `yaml:"clock_den"`  // clock_num / clock_den, exactly
	Scheduler  string `yaml:"scheduler"`  // a key of schedulers
	ReadQueue  int    `yaml:"read_queue"` // line requests waiting in a channel
	WriteQueue int    `yaml:"write_queue"`
	WriteHigh  int    `yaml:"write_high"` // writes waiting at which a channel turns to writing
	WriteLow   int    `yaml:"write_low"`  // and at which it turns back
	CCD        int    `yaml:"ccd"`        // column command to column command, another bank group
	CCDL       int    `yaml:"ccdl"`       // the same bank group
	RRD        int    `yaml:"rrd"`        // activate to activate, another bank
	RCD        int    `yaml:"rcd"`        // activate to column command
	RAS        int    `yaml:"ras"`        // activate to precharge
	RP         int    `yaml:"rp"`         // precharge to activate
	RC         int    `yaml:"rc"`         // activate to activate, same bank
	CL         int    `yaml:"cl"`         // read command to data
	WL         int    `yaml:"wl"`         // write command to data
	CDLR       int    `yaml:"cdlr"`       // last write data to read command
	WR         int    `yaml:"wr"`         // last write data to precharge
	RTPL       int    `yaml:"rtpl"`       // read command to precharge
	REFI       int    `yaml:"refi"`       // between refreshes; 0 = none
	RFC        int    `yaml:"rfc"`        // refresh to activate
	// ReturnLatency is the core cycles between data on the bus and data at the reply crossbar: controller, clock
	// crossing, fill.
	ReturnLatency int `yaml:"return_latency"`
}

// MaxSlices bounds the L2 slices of a GPU.
const MaxSlices = 64

// figure is one of the numbers of a configuration, with its range.
type figure struct {
	name      string
	v, lo, hi int64
}

// longTime bounds times of DRAM, in its clocks, that are not bounded more narrowly.
const longTime = 1 << 20

// figures lists those that have a range of their own.
func (c *Config) figures() []figure {
	l1, x, l2, d := &c.L1, &c.Crossbar, &c.L2, &c.DRAM
	return []figure{
		{"l1.parts", int64(l1.Parts), 1, 4},
		{"l1.ways", int64(l1.Ways), 1, maxWays},
		{"l1.bytes", int64(l1.Bytes), int64(32 * LineBytes * max(l1.Ways, 1)), 1 << 20},
		{"l1.latency", int64(l1.Latency), 1, 10000},
		{"l1.miss_latency", int64(l1.MissLatency), 1, 10000},
		{"l1.bytes_per_clock", int64(l1.BytesPerClock), 1, 1024},
		{"l1.return_bytes", int64(l1.ReturnBytes), 1, 1024},
		{"l1.queue", int64(l1.Queue), 1, 10000},
		{"l1.read_latency", int64(l1.ReadLatency), 1, 10000},
		{"l1.mshrs", int64(l1.MSHRs), 32, 4096},
		{"l1.store_queue", int64(l1.StoreQueue), 32, 4096},
		{"crossbar.request_bytes", int64(x.RequestBytes), 1, 1024},
		{"crossbar.reply_bytes", int64(x.ReplyBytes), 1, 1024},
		{"crossbar.slice_bytes", int64(x.SliceBytes), 1, 1024},
		{"crossbar.header_bytes", int64(x.HeaderBytes), 0, 128},
		{"crossbar.request_latency", int64(x.RequestLatency), 1, 10000},
		{"crossbar.reply_latency", int64(x.ReplyLatency), 1, 10000},
		{"l2.slices_per_channel", int64(l2.SlicesPerChannel), 1, maxSlicesPerChannel},
		{"l2.ways", int64(l2.Ways), 1, maxWays},
		{"l2.slice_bytes", int64(l2.SliceBytes), int64(16 * LineBytes * max(l2.Ways, 1)), 1 << 24},
		{"l2.latency", int64(l2.Latency), 1, 10000},
		{"l2.bytes_per_clock", int64(l2.BytesPerClock), 1, 1024},
		{"l2.fill_sectors", int64(l2.FillSectors), 1, 2},
		{"l2.atomic_sectors", int64(l2.AtomicSectors), 1, 4},
		{"l2.atomic_same", int64(l2.AtomicSame), 1, 1000},
		{"l2.atomic_latency", int64(l2.AtomicLatency), 0, 10000},
		{"dram.channels", int64(d.Channels), 1, MaxSlices},
		{"dram.banks", int64(d.Banks), 1, maxBanks},
		{"dram.bank_groups", int64(d.BankGroups), 1, int64(d.Banks)},
		{"dram.row_bytes", int64(d.RowBytes), 4 * LineBytes, 1 << 16},
		{"dram.bus_bytes", int64(d.BusBytes), 1, 64},
		{"dram.burst", int64(d.Burst), 1, 64},
		{"dram.data_rate", int64(d.DataRate), 1, 16},
		{"dram.clock_num", d.ClockNum, 1, longTime},
		{"dram.clock_den", d.ClockDen, 1, longTime},
		{"dram.read_queue", int64(d.ReadQueue), 1, maxQueue},
		{"dram.write_queue", int64(d.WriteQueue), 2, maxQueue},
		{"dram.write_high", int64(d.WriteHigh), 1, int64(d.WriteQueue)},
		{"dram.write_low", int64(d.WriteLow), 0, int64(d.WriteHigh) - 1},
		{"dram.ccd", int64(d.CCD), 1, 16},
		{"dram.ccdl", int64(d.CCDL), int64(d.CCD), int64(4 * d.CCD)},
		{"dram.rrd", int64(d.RRD), 1, 1000},
		{"dram.rcd", int64(d.RCD), 1, 1000},
		{"dram.ras", int64(d.RAS), 1, 1000},
		{"dram.rp", int64(d.RP), 1, 1000},
		{"dram.rc", int64(d.RC), 1, 2000},
		{"dram.cl", int64(d.CL), 1, 1000},
		{"dram.wl", int64(d.WL), 1, int64(d.CL)},
		{"dram.cdlr", int64(d.CDLR), 0, 1000},
		{"dram.wr", int64(d.WR), 0, 1000},
		{"dram.rtpl", int64(d.RTPL), 0, 1000},
		{"dram.rfc", int64(d.RFC), 0, longTime},
		{"dram.return_latency", int64(d.ReturnLatency), int64(l2.Latency), 10000},
	}
}

// Validate reports the first figure that is out of its range.
func (c *Config) Validate() error {
	for _, f := range c.figures() {
		if f.v < f.lo || f.v > f.hi {
			return fmt.Errorf("memory.%s: %d is not in %d..%d", f.name, f.v, f.lo, f.hi)
		}
	}
	l1, l2, d := &c.L1, &c.L2, &c.DRAM
	for _, p := range []struct {
		name string
		v    int
	}{
		{"dram.banks", d.Banks}, {"dram.bank_groups", d.BankGroups}, {"dram.row_bytes", d.RowBytes},
		{"l2 sets (slice_bytes / ways / 128)", l2.SliceBytes / (l2.Ways * LineBytes)},
	} {
		if bits.OnesCount(uint(p.v)) != 1 {
			return fmt.Errorf("memory.%s: %d is not a power of two", p.name, p.v)
		}
	}
	switch {
	case l1.Bytes%(LineBytes*l1.Ways) != 0:
		return fmt.Errorf("memory.l1.bytes: %d is not a multiple of %d ways x %d bytes", l1.Bytes, l1.Ways, LineBytes)
	case l2.SliceBytes%(LineBytes*l2.Ways) != 0:
		return fmt.Errorf("memory.l2.slice_bytes: %d is not a multiple of %d ways x %d bytes",
			l2.SliceBytes, l2.Ways, LineBytes)
	case d.Channels*l2.SlicesPerChannel > MaxSlices:
		return fmt.Errorf("memory.l2: %d slices (dram.channels x l2.slices_per_channel) is not in 1..%d",
			d.Channels*l2.SlicesPerChannel, MaxSlices)
	case d.BusBytes*d.Burst != SectorBytes:
		return fmt.Errorf("memory.dram: bus_bytes %d x burst %d is not a sector of %d bytes",
			d.BusBytes, d.Burst, SectorBytes)
	case d.CCD*d.DataRate < d.Burst:
		return fmt.Errorf("memory.dram.ccd: %d is shorter than a burst of %d transfers at %d a clock",
			d.CCD, d.Burst, d.DataRate)
	case d.CCDL%d.CCD != 0:
		return fmt.Errorf("memory.dram.ccdl: %d is not a multiple of ccd, %d", d.CCDL, d.CCD)
	case d.RC < d.RAS:
		return fmt.Errorf("memory.dram.rc: %d is shorter than ras, %d", d.RC, d.RAS)
	case d.REFI != 0 && (d.REFI < 2*(d.RFC+d.RC) || d.REFI > longTime):
		return fmt.Errorf("memory.dram.refi: %d is neither 0 nor in %d..%d", d.REFI, 2*(d.RFC+d.RC), longTime)
	}
	if _, err := lookup("memory.l1.replacement", replacements, l1.Replacement); err != nil {
		return err
	}
	if _, err := lookup("memory.l2.replacement", replacements, l2.Replacement); err != nil {
		return err
	}
	if _, err := lookup("memory.l2.hash", hashes, l2.Hash); err != nil {
		return err
	}
	_, err := lookup("memory.dram.scheduler", schedulers, d.Scheduler)
	return err
}

// Slices is the number of L2 slices of the GPU.
func (c *Config) Slices() int { return c.DRAM.Channels * c.L2.SlicesPerChannel }

// PeakBytesPerSecond is what the pins of all DRAM channels carry at a core clock of coreMHz.
func (c *Config) PeakBytesPerSecond(coreMHz float64) float64 {
	d := &c.DRAM
	return float64(d.Channels*d.BusBytes*d.DataRate) * coreMHz * 1e6 * float64(d.ClockNum) / float64(d.ClockDen)
}

// CopyConfig is the link between host and device.
type CopyConfig struct {
	GBps      float64 `yaml:"copy_gbps"`       // 10^9 bytes a second
	LatencyUS float64 `yaml:"copy_latency_us"` // microseconds before the first byte
}

// Validate reports the first figure that is out of its range.
func (c *CopyConfig) Validate() error {
	switch {
	case !(c.GBps > 0 && c.GBps <= 10000):
		return fmt.Errorf("copy.copy_gbps: %g is not in (0, 10000]", c.GBps)
	case !(c.LatencyUS >= 0 && c.LatencyUS <= 1e6):
		return fmt.Errorf("copy.copy_latency_us: %g is not in 0..1e6", c.LatencyUS)
	}
	return nil
}

// CopyTime returns the seconds that a copy of n bytes between host and device takes.
func (c *CopyConfig) CopyTime(n int64) float64 {
	return c.LatencyUS*1e-6 + float64(n)/(c.GBps*1e9)
}
