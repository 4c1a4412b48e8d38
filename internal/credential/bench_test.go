package credential

import (
	"testing"
	"time"
)

// BenchmarkAssume is what the enhanced flow costs beside HTTP and the store: the
// trust policy, and the sealing of the session.
func BenchmarkAssume(b *testing.B) {
	w := newWorld(b, func(c *Config) { c.Now = time.Now }) // so that what is remembered of the role stays fresh for a second
	w.role(b, nil)
	who := person(nil, "authenticated", "login.example.com", "arn:aws:iam::111122223333:oidc-provider/login.example.com:OIDC:ann")
	b.ReportAllocs()
	for b.Loop() {
		wish := ByOpenID(appRole, "CognitoIdentityCredentials", who, time.Hour)
		wish.SourceIP = "127.0.0.1"
		if _, _, err := w.Assume(b.Context(), wish); err != nil {
			b.Fatal(err)
		}
	}
}
