package oidc

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"idpool/internal/login/logintest"
)

// signers are a key for each algorithm, with what its issuer publishes of it.
func signers(t testing.TB) (private []*logintest.Key, public []*key) {
	t.Helper()
	for _, alg := range algorithms {
		k := logintest.NewKey(t, alg)
		keys, err := readKeySet(must(json.Marshal(map[string]any{"keys": []any{k.JWK()}})))
		if err != nil {
			t.Fatal(err)
		}
		private, public = append(private, k), append(public, keys...)
	}
	return private, public
}

// unsigned is the first two parts of a token.
func unsigned(alg string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"`+alg+`"}`)) + "." + encode([]byte(`{"sub":"ann"}`))
}

// TestSigned has each key see what the keys of all algorithms made: it
// recognizes its own, and nothing that bears another algorithm's name.
func TestSigned(t *testing.T) {
	t.Parallel()
	private, public := signers(t)
	for i, k := range private {
		for _, alg := range algorithms {
			text := unsigned(alg)
			made := &token{alg: alg, signed: text, signature: k.Sign([]byte(text))}
			for j, p := range public {
				if got, want := p.signed(made), i == j && alg == k.Alg; got != want {
					t.Errorf("made with a key for %s as %s, seen by a key for %s: %t", k.Alg, alg, private[j].Alg, got)
				}
			}
		}
	}
	if slices.ContainsFunc(algorithms, func(alg string) bool { return !hashes[alg].Available() }) || len(hashes) != len(algorithms) {
		t.Errorf("the hashes of %v are %v", algorithms, hashes)
	}
}

// FuzzSignature shows the keys signatures that they made or did not make.
// go-jose must say the same of each.
func FuzzSignature(f *testing.F) {
	private, public := signers(f)
	text := make([]string, len(algorithms))
	for i, k := range private {
		text[i] = unsigned(k.Alg)
		made := k.Sign([]byte(text[i]))
		f.Add(byte(i), made)
		f.Add(byte(i), append(slices.Clone(made), 0))
		f.Add(byte(i), append([]byte{0}, made...))
		f.Add(byte(i), made[1:])
		f.Add(byte(i), made[:len(made)-1])
		f.Add(byte(i), make([]byte, len(made)))
		f.Add(byte(i), slices.Concat(made[len(made)/2:], made[:len(made)/2]))
		f.Add(byte(i), k.Sign([]byte(text[i]+"x")))
	}
	f.Fuzz(func(t *testing.T, at byte, signature []byte) {
		i := int(at) % len(algorithms)
		read, err := jose.ParseSignedCompact(text[i]+"."+base64.RawURLEncoding.EncodeToString(signature), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithms[i])})
		if err != nil {
			t.Skip() // no signature at all
		}
		_, err = read.Verify(public[i].public)
		if got := public[i].signed(&token{alg: algorithms[i], signed: text[i], signature: signature}); got != (err == nil) {
			t.Errorf("%s %x: %t, and go-jose says %v", algorithms[i], signature, got, err)
		}
	})
}
