package main

import (
	"os"
	"runtime"
)

// headroom is how much memory requests may use up before the collector comes,
// over and above what Go allows by itself: as much as is in use. That is little
// in this program, which would spend a third of its time collecting.
const headroom = 96 << 20

// giveHeadroom lets the heap grow to headroom and twice of what is in use, until
// the function that it returns is called. The collector counts a block that
// nobody touches, so the system never has to find memory for it.
func giveHeadroom() (release func()) {
	untouched := make([]byte, headroom)
	return func() { runtime.KeepAlive(untouched) }
}

// spareProcessors is how many goroutines may run beyond the processors there are.
// With none to spare, the writer of the store comes back from an fsync to find
// everything taken by requests, and waits behind all of them: the system, which
// lets those go first that have waited, divides the processors better.
const spareProcessors = 4

// spare adds them, unless GOMAXPROCS says how many there shall be.
func spare() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
}
