package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of what an issuer publishes.
const (
	maxKeys    = 500
	maxAddress = 2048 // bytes of a jwks_uri
	minRSABits = 2048
	maxRSABits = 8192
)

// discoveryAddress is where an issuer's discovery document is (OpenID Connect
// Discovery 1.0, 4).
func discoveryAddress(issuer string) (string, error) {
	if strings.ContainsAny(issuer, "?#") {
		return "", errors.New("an issuer has no query and no fragment")
	}
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration", nil
}

// readDiscovery reads from a discovery document where the keys are. The
// document must be the issuer's own (OpenID Connect Discovery 1.0, 4.3), and an
// https issuer cannot send us to plain http. The keys may live on another
// host, as those of Google do: the dialler refuses where that must not be.
func readDiscovery(body []byte, issuer string) (jwksURI string, err error) {
	doc, err := readObject(body)
	if err != nil {
		return "", err
	}
	says, err1 := doc.text("issuer")
	jwksURI, err2 := doc.text("jwks_uri")
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	if says != issuer {
		return "", fmt.Errorf("it is the document of issuer %s, not of %s", quote(says), quote(issuer))
	}
	u, err := url.Parse(jwksURI)
	switch {
	case err != nil || u.Host == "" || len(jwksURI) > maxAddress:
		return "", fmt.Errorf("jwks_uri %s is not an address", quote(jwksURI))
	case strings.HasPrefix(issuer, "https:") && u.Scheme != "https":
		return "", fmt.Errorf("jwks_uri %s is not https", quote(jwksURI))
	}
	return jwksURI, nil
}

// key is a public key of an issuer.
type key struct {
	id     string   // kid; may be empty
	algs   []string // that it verifies
	public interface{ Equal(crypto.PublicKey) bool }
}

// same reports whether two keys are one, though read at different times.
func (k *key) same(l *key) bool {
	return k == l || k.id == l.id && slices.Equal(k.algs, l.algs) && k.public.Equal(l.public)
}

// fits reports whether a token can have been signed with the key, by what the
// token's header says.
func (k *key) fits(t *token) bool {
	return (t.kid == "" || t.kid == k.id) && slices.Contains(k.algs, t.alg)
}

// readKeySet reads a key set (RFC 7517, 5). A key that cannot be used is
// passed over and the others stand, but one must remain.
func readKeySet(body []byte) ([]*key, error) {
	set, err := readObject(body)
	if err != nil {
		return nil, err
	}
	list, _ := set["keys"].([]any)
	if len(list) == 0 {
		return nil, errors.New("no keys")
	}
	if len(list) > maxKeys {
		return nil, fmt.Errorf("%d keys, at most %d", len(list), maxKeys)
	}
	var keys []*key
	var unusable error // the first one's reason
	for i, one := range list {
		jwk, _ := one.(map[string]any)
		k, err := readKey(jwk)
		switch {
		case err == nil && !slices.ContainsFunc(keys, k.same):
			keys = append(keys, k)
		case err != nil && unusable == nil:
			unusable = fmt.Errorf("key %d: %w", i+1, err)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no usable key among %d: %w", len(list), unusable)
	}
	return keys, nil
}

// readKey reads a key (RFC 7517, 4; RFC 7518, 6). Its certificates are not
// looked at: what vouches for it is where it came from.
func readKey(jwk object) (*key, error) {
	kid, err1 := jwk.text("kid")
	kty, err2 := jwk.text("kty")
	use, err3 := jwk.text("use")
	alg, err4 := jwk.text("alg")
	err := errors.Join(err1, err2, err3, err4)
	_, private := jwk["d"]
	ops, limited := jwk["key_ops"].([]any)
	switch {
	case err != nil:
		return nil, err
	case private:
		return nil, errors.New("the private key is published")
	case use != "" && use != "sig", limited && !slices.Contains(ops, any("verify")):
		return nil, errors.New("it is not for verifying signatures")
	case len(kid) > maxKeyID:
		return nil, fmt.Errorf("kid has %d bytes, at most %d", len(kid), maxKeyID)
	}
	k := &key{id: kid}
	switch kty {
	case "RSA":
		k.public, err = jwk.rsa()
		k.algs = []string{"RS256", "RS384", "RS512"}
	case "EC":
		k.public, k.algs, err = jwk.ecdsa()
	default:
		err = fmt.Errorf("its type is %s", quote(kty))
	}
	if err != nil {
		return nil, err
	}
	if alg != "" { // it narrows what the type allows
		if !slices.Contains(k.algs, alg) {
			return nil, fmt.Errorf("its alg is %s", quote(alg))
		}
		k.algs = []string{alg}
	}
	return k, nil
}

// number reads an unsigned number (RFC 7518, 2). Leading zero bytes, against
// the standard but seen, are harmless.
func (o object) number(name string) (*big.Int, error) {
	s, err := o.text(name)
	if err != nil {
		return nil, err
	}
	b, err := decode64(s)
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("%s is not a number", name)
	}
	return new(big.Int).SetBytes(b), nil
}

// rsa reads an RSA key (RFC 7518, 6.3.1). The bounds are ours: the standard
// library takes shorter keys.
func (o object) rsa() (*rsa.PublicKey, error) {
	n, err1 := o.number("n")
	e, err2 := o.number("e")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits || n.Bit(0) == 0 {
		return nil, fmt.Errorf("an RSA modulus of %d bits, not an odd one of %d to %d", bits, minRSABits, maxRSABits)
	}
	if e.BitLen() > 31 || e.Bit(0) == 0 || e.Cmp(big.NewInt(3)) < 0 {
		return nil, errors.New("the RSA exponent is not odd, from 3 to 2^31-1")
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// curves are the curves, each with its one algorithm (RFC 7518, 3.4, 6.2.1).
var curves = map[string]struct {
	elliptic.Curve
	alg string
}{
	"P-256": {elliptic.P256(), "ES256"},
	"P-384": {elliptic.P384(), "ES384"},
	"P-521": {elliptic.P521(), "ES512"},
}

// ecdsa reads an elliptic-curve key. Both coordinates have the full length, and
// the point is on the curve.
func (o object) ecdsa() (*ecdsa.PublicKey, []string, error) {
	name, err := o.text("crv")
	curve, ok := curves[name]
	if err != nil || !ok {
		return nil, nil, fmt.Errorf("its curve is %s", quote(name))
	}
	point := []byte{4} // uncompressed (SEC 1, 2.3.3)
	for _, name := range []string{"x", "y"} {
		s, err := o.text(name)
		if err != nil {
			return nil, nil, err
		}
		b, err := decode64(s)
		if err != nil || len(b) != (curve.Params().BitSize+7)/8 {
			return nil, nil, fmt.Errorf("%s is not a coordinate", name)
		}
		point = append(point, b...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve.Curve, point)
	return public, []string{curve.alg}, err
}

// lifetime is how long an answer may be kept, by its Cache-Control (RFC 9111,
// 5.2.2); ordinary if it does not say.
func lifetime(h http.Header, ordinary time.Duration) time.Duration {
	for directive := range strings.SplitSeq(strings.ToLower(h.Get("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return ordinary
}
