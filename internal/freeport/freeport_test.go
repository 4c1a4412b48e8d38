package freeport

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// TestGet: the port can be listened on, twice, and the system gives it to
// nobody by itself.
func TestGet(t *testing.T) {
	lowest := last
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(text), &lowest)
	}
	if lowest < last {
		t.Skipf("this system gives out all ports from %d", lowest)
	}
	for range 100 {
		port, err := Get()
		if err != nil {
			t.Fatal(err)
		}
		if port >= lowest {
			t.Errorf("%d can be the other end of a connection: the system gives them from %d", port, lowest)
		}
		for range 2 {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
	}
}
