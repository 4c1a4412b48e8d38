// Package freeport finds ports for servers that a test stops and starts again.
//
// A port that the system gives out by itself is of no use there: while the
// server is away, any connection of anybody may get the same number for its own
// end, even one that tries to reach the server, which then is connected to
// itself. The server does not come up again on a port that is taken.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// The ports to choose from: below all that Linux (from 32768), the BSDs and
// Windows (from 49152) give to connections by default.
const first, last = 10_000, 32_000

// Get returns a port on which nobody listens on 127.0.0.1, and which no
// connection gets by chance. It fails if a thousand ports in a row are taken.
func Get() (int, error) {
	for range 1000 {
		port := first + rand.N(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port is free from %d to %d", first, last)
}

// Address is such a port as an address, for a test.
func Address(t testing.TB) string {
	t.Helper()
	port, err := Get()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}
