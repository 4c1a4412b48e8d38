package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes below
	_ "crypto/sha512"
	"io"
	"math/big"
	"slices"
)

// algorithms are those that are accepted (RFC 7518, 3.1): no symmetric one, and
// never none.
var algorithms = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"}

// hashes are the hashes of the algorithms.
var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512,
}

// KnowsAlgorithm reports whether tokens can be signed with an algorithm (RFC
// 7518, 3.1): RS256, RS384, RS512, ES256, ES384 or ES512.
func KnowsAlgorithm(name string) bool { return slices.Contains(algorithms, name) }

// signed reports whether the key made the token's signature, with the algorithm
// that the token names (RFC 7518, 3.3 and 3.4). The key must be for it: no
// token makes a key do what its issuer did not publish it for.
func (k *key) signed(t *token) bool {
	if !k.fits(t) {
		return false
	}
	hash := hashes[t.alg]
	h := hash.New()
	io.WriteString(h, t.signed)
	sum := h.Sum(nil)
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, hash, sum, t.signature) == nil
	case *ecdsa.PublicKey: // two numbers of the curve's length, one after the other
		half := (public.Params().BitSize + 7) / 8
		return len(t.signature) == 2*half &&
			ecdsa.Verify(public, sum, new(big.Int).SetBytes(t.signature[:half]), new(big.Int).SetBytes(t.signature[half:]))
	}
	return false
}
