package saml_test

import (
	"testing"

	"idpool/internal/saml/samltest"
)

// BenchmarkVerify is a response of everyday, signed by RSA.
func BenchmarkVerify(b *testing.B) {
	p := samltest.NewRSA(entityID)
	metadata, response := p.Metadata(), p.Signed(honest())
	v := verifier(0)
	for b.Loop() {
		if _, err := v.Verify(metadata, response); err != nil {
			b.Fatal(err)
		}
	}
}
