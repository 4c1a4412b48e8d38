package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// BenchmarkVerify compares a token never seen, and one seen before, with the
// signature's verification by the standard library alone.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256"} {
		w := newWorld(b, logintest.WithAlg(alg))
		token := w.Token("0a1b2c3d-4e5f-6789-abcd-ef0123456789",
			logintest.Claim("email", "ann.example@example.com"), logintest.Claim("email_verified", true), logintest.Claim("name", "Ann Example"),
			logintest.Claim("auth_time", w.now().Unix()), logintest.Claim("jti", "6f1c2a9e-3d77-4b0f-9d0e-8f0f5b1c7a11"), logintest.Claim("cognito:groups", []string{"readers", "writers"}))
		presented := login.Presented{Provider: w.Name(), Token: login.Token(token)}
		verify := func(b *testing.B) {
			if _, err := w.v.Verify(b.Context(), w.pool, presented); err != nil {
				b.Fatal(err)
			}
		}
		verify(b)
		b.Run(alg+"/bare", func(b *testing.B) {
			at := strings.LastIndexByte(token, '.')
			signature, _ := base64.RawURLEncoding.DecodeString(token[at+1:])
			public := w.Key().Private.Public()
			for b.Loop() {
				sum := sha256.Sum256([]byte(token[:at]))
				ok := false
				switch public := public.(type) {
				case *rsa.PublicKey:
					ok = rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
				case *ecdsa.PublicKey:
					ok = ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
				}
				if !ok {
					b.Fatal("bad signature")
				}
			}
		})
		b.Run(alg+"/never seen", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.v.seen.Invalidate(sha256.Sum256([]byte(token)))
				verify(b)
			}
		})
		b.Run(alg+"/seen", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				verify(b)
			}
		})
	}
}
