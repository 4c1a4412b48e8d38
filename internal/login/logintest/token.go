package logintest

import (
	"time"
)

// Draft is a token before it is signed.
type Draft struct {
	Header map[string]any
	Claims map[string]any
	Key    *Key

	rawHeader, rawClaims *string
	sign                 func(input []byte) []byte
}

// TokenOption changes a token before it is signed.
type TokenOption func(*Draft)

// Audience names the applications the token is for; one is written as a
// string, several as a list.
func Audience(ids ...string) TokenOption {
	return func(d *Draft) {
		d.Claims["aud"] = ids
		if len(ids) == 1 {
			d.Claims["aud"] = ids[0]
		}
	}
}

// Claim sets a claim to anything that JSON can say.
func Claim(name string, value any) TokenOption { return func(d *Draft) { d.Claims[name] = value } }

// Without leaves claims out.
func Without(names ...string) TokenOption {
	return func(d *Draft) {
		for _, name := range names {
			delete(d.Claims, name)
		}
	}
}

// ExpiresIn sets exp from the time of issue on; below zero makes a token that
// expired before.
func ExpiresIn(lifetime time.Duration) TokenOption {
	return func(d *Draft) { d.Claims["exp"] = d.Claims["iat"].(int64) + int64(lifetime/time.Second) }
}

// Header sets a member of the header, such as kid, alg or typ.
func Header(name string, value any) TokenOption { return func(d *Draft) { d.Header[name] = value } }

// WithoutHeader leaves a member of the header out.
func WithoutHeader(name string) TokenOption { return func(d *Draft) { delete(d.Header, name) } }

// SignedWith signs with another key than the issuer's, and names its alg and
// kid. A later option can name others.
func SignedWith(k *Key) TokenOption {
	return func(d *Draft) {
		d.Key = k
		d.Header["alg"], d.Header["kid"] = k.Alg, k.ID
		if k.ID == "" {
			delete(d.Header, "kid")
		}
	}
}

// RawHeader makes any text the header. It is signed as it is.
func RawHeader(text string) TokenOption { return func(d *Draft) { d.rawHeader = &text } }

// RawClaims makes any text the payload. It is signed as it is.
func RawClaims(text string) TokenOption { return func(d *Draft) { d.rawClaims = &text } }

// Signature makes the signature from what would be signed.
func Signature(sign func(input []byte) []byte) TokenOption { return func(d *Draft) { d.sign = sign } }

// Token signs an ID token for a subject. Unless options say otherwise it is for
// [DefaultAudience], issued now, and good for an hour.
func (i *Issuer) Token(subject string, opts ...TokenOption) string {
	now := i.now().Unix()
	d := &Draft{
		Header: map[string]any{"typ": "JWT"},
		Claims: map[string]any{"iss": i.URL, "sub": subject, "aud": DefaultAudience, "iat": now, "exp": now + 3600},
	}
	SignedWith(i.Key())(d)
	for _, opt := range opts {
		opt(d)
	}
	return d.serialize()
}

// serialize is the token in its compact form (RFC 7515, 7.1).
func (d *Draft) serialize() string {
	header, claims := string(toJSON(d.Header)), string(toJSON(d.Claims))
	if d.rawHeader != nil {
		header = *d.rawHeader
	}
	if d.rawClaims != nil {
		claims = *d.rawClaims
	}
	sign := d.Key.Sign
	if d.sign != nil {
		sign = d.sign
	}
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	return input + "." + encode(sign([]byte(input)))
}
