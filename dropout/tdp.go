package dropout

var _ = register(Kind{Name: TDP, Text: "one tile in dp is kept", Drops: DropsTiles, HasDP: true, Support: func(o Options) (Support, error) {
	return newRegular(o, true)
}})
