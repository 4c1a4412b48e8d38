package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
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
		c := w.config()
		c.MaxTokens = 64 // fewer than there are tokens, so that each is new when its turn comes again
		w.v = New(c)
		tokens := make([]string, 512)
		for i := range tokens {
			tokens[i] = w.Token("0a1b2c3d-4e5f-6789-abcd-ef0123456789", logintest.Claim("jti", fmt.Sprintf("6f1c2a9e-3d77-4b0f-9d0e-%012x", i)),
				logintest.Claim("email", "ann.example@example.com"), logintest.Claim("email_verified", true), logintest.Claim("name", "Ann Example"),
				logintest.Claim("picture", "https://pictures.example.com/"+strings.Repeat("0123456789abcdef", 12)+".png"),
				logintest.Claim("auth_time", w.now().Unix()), logintest.Claim("cognito:groups", []string{"readers", "writers"}))
		}
		verify := func(b *testing.B, token string) {
			if _, err := w.v.Verify(b.Context(), w.pool, login.Presented{Provider: w.Name(), Token: login.Token(token)}); err != nil {
				b.Fatal(err)
			}
		}
		verify(b, tokens[0])
		b.Run(alg+"/bare", func(b *testing.B) {
			token := tokens[0]
			at := strings.LastIndexByte(token, '.')
			signature, _ := base64.RawURLEncoding.DecodeString(token[at+1:])
			public := w.Key().Private.Public()
			b.ReportAllocs()
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
			hits, _ := w.v.TokenLookups()
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				verify(b, tokens[n%len(tokens)])
			}
			now, _ := w.v.TokenLookups()
			b.ReportMetric(float64(now-hits)/float64(n), "hits/op")
		})
		b.Run(alg+"/seen", func(b *testing.B) {
			verify(b, tokens[0])
			b.ReportAllocs()
			for b.Loop() {
				verify(b, tokens[0])
			}
		})
	}
}

// BenchmarkReadObject reads the claims of a token.
func BenchmarkReadObject(b *testing.B) {
	text := []byte(`{"iss":"https://login.example.com/realms/one","sub":"0a1b2c3d-4e5f-6789-abcd-ef0123456789","aud":"app","exp":1772600767,"iat":1772597167,"auth_time":1772597167,"email":"ann.example@example.com","email_verified":true,"name":"Ann Example","jti":"6f1c2a9e-3d77-4b0f-9d0e-8f0f5b1c7a11","cognito:groups":["readers","writers"]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readObject(text); err != nil {
			b.Fatal(err)
		}
	}
}
