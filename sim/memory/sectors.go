package memory

// Sectors counts the 32-byte sectors that a global or local access touches: what it asks of the caches, as far as they
// are whole. An access of 128 contiguous bytes by a warp touches 4; each thread in a sector of its own, 32.
func (a *Access) Sectors() (n int) {
	var seen [32]uint64
	for i, addr := range a.Addr {
		if a.Mask>>i&1 == 0 {
			continue
		}
		sector, known := addr/SectorBytes, false
		for _, s := range seen[:n] {
			known = known || s == sector
		}
		if !known {
			seen[n] = sector
			n++
		}
	}
	return n
}
