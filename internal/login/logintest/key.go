package logintest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes that keys sign with
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"testing"
)

// Key is a key pair of an issuer.
type Key struct {
	ID      string // kid; empty for none
	Alg     string // that it signs with
	Private crypto.Signer
}

// hashes are those of the algorithms (RFC 7518, 3.1).
var hashes = map[string]crypto.Hash{
	"RS256": crypto.SHA256, "RS384": crypto.SHA384, "RS512": crypto.SHA512,
	"ES256": crypto.SHA256, "ES384": crypto.SHA384, "ES512": crypto.SHA512,
}

var curves = map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}

// NewKey makes a key with a random ID. An RSA key takes long to make, so it is
// used again by later tests; no two keys in use at once are the same.
func NewKey(t testing.TB, alg string) *Key {
	t.Helper()
	k := &Key{ID: rand.Text(), Alg: alg}
	var err error
	switch curve := curves[alg]; {
	case curve != nil:
		k.Private, err = ecdsa.GenerateKey(curve, rand.Reader)
	case hashes[alg] != 0:
		k.Private, err = borrowRSA(t)
	default:
		err = fmt.Errorf("unknown algorithm %q", alg)
	}
	if err != nil {
		t.Fatalf("logintest: make a key: %v", err)
	}
	return k
}

// idleRSA are the RSA keys that no test uses now.
var idleRSA struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

func borrowRSA(t testing.TB) (*rsa.PrivateKey, error) {
	idleRSA.Lock()
	defer idleRSA.Unlock()
	var k *rsa.PrivateKey
	if last := len(idleRSA.keys) - 1; last >= 0 {
		k, idleRSA.keys = idleRSA.keys[last], idleRSA.keys[:last]
	} else {
		var err error
		if k, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	t.Cleanup(func() {
		idleRSA.Lock()
		defer idleRSA.Unlock()
		idleRSA.keys = append(idleRSA.keys, k)
	})
	return k, nil
}

// JWK is the public half as an entry of a key set (RFC 7517, 4). It is fresh
// for each call, so that a test can change it.
func (k *Key) JWK() map[string]any {
	jwk := map[string]any{"alg": k.Alg, "use": "sig"}
	if k.ID != "" {
		jwk["kid"] = k.ID
	}
	switch public := k.Private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic("logintest: " + err.Error())
		}
		half := (len(point) - 1) / 2 // after the 4 that says uncompressed
		jwk["kty"], jwk["crv"] = "EC", public.Curve.Params().Name
		jwk["x"], jwk["y"] = encode(point[1:1+half]), encode(point[1+half:])
	}
	return jwk
}

// Sign signs what a JWS signs over: header, dot and payload, encoded.
func (k *Key) Sign(input []byte) []byte {
	h := hashes[k.Alg].New()
	h.Write(input)
	sum := h.Sum(nil)
	if private, ok := k.Private.(*ecdsa.PrivateKey); ok { // both numbers at full length (RFC 7518, 3.4)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum)
		if err != nil {
			panic("logintest: " + err.Error())
		}
		size := (private.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out
	}
	out, err := k.Private.Sign(rand.Reader, sum, hashes[k.Alg])
	if err != nil {
		panic("logintest: " + err.Error())
	}
	return out
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
