package idpool

// Held is how many pools and how many listings the directory keeps.
func (d *Directory) Held() (pools, lists int) {
	count := func(n *int) func(any, any) bool { return func(any, any) bool { *n++; return true } }
	d.configs.Range(count(&pools))
	d.lists.Range(count(&lists))
	return pools, lists
}
