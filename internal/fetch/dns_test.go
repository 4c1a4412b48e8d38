package fetch

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

// startDNS makes a name server the one of this process, until the test ends.
// It knows a few names below example.com and counts who asks.
//
//	inside    127.0.0.1          both      203.0.113.1 and 127.0.0.1
//	inside6   ::1                turncoat  127.0.0.1 once, then 127.0.0.3
func startDNS(t *testing.T) *atomic.Int32 {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := &atomic.Int32{}
	turned := false
	answers := func(name string, v6 bool) []string {
		switch {
		case name == "inside.example.com." && !v6:
			return []string{"127.0.0.1"}
		case name == "inside6.example.com." && v6:
			return []string{"::1"}
		case name == "both.example.com." && !v6:
			return []string{"203.0.113.1", "127.0.0.1"}
		case name == "turncoat.example.com." && !v6 && !turned:
			turned = true
			return []string{"127.0.0.1"}
		case name == "turncoat.example.com." && !v6:
			return []string{"127.0.0.3"}
		}
		return nil
	}
	go func() {
		b := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			asked.Add(1)
			name, end := questionName(b[:n])
			if end+4 > n {
				continue
			}
			conn.WriteTo(reply(b[:end+4], answers(strings.ToLower(name), binary.BigEndian.Uint16(b[end:]) == 28)), from)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		conn.Close()
	})
	return asked
}

// questionName reads the name of the one question of a query (RFC 1035, 4.1.2).
func questionName(b []byte) (name string, end int) {
	for end = 12; end < len(b) && b[end] != 0; end += 1 + int(b[end]) {
		if end+1+int(b[end]) > len(b) {
			return "", len(b)
		}
		name += string(b[end+1:end+1+int(b[end])]) + "."
	}
	return name, end + 1
}

// reply answers a query, which ends after its question (RFC 1035, 4.1.3).
func reply(query []byte, addresses []string) []byte {
	out := append([]byte(nil), query...)
	binary.BigEndian.PutUint16(out[2:], 0x8180) // an answer, recursion available
	binary.BigEndian.PutUint16(out[6:], uint16(len(addresses)))
	binary.BigEndian.PutUint32(out[8:], 0) // no authority, nothing additional
	if addresses == nil {
		return out
	}
	for _, text := range addresses {
		ip, kind := net.ParseIP(text), uint16(28)
		if v4 := ip.To4(); v4 != nil {
			ip, kind = v4, 1
		}
		out = append(out, 0xc0, 12) // the name of the question
		out = binary.BigEndian.AppendUint16(out, kind)
		out = binary.BigEndian.AppendUint16(out, 1) // IN
		out = binary.BigEndian.AppendUint32(out, 0) // not to be kept
		out = binary.BigEndian.AppendUint16(out, uint16(len(ip)))
		out = append(out, ip...)
	}
	return out
}
