package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/singleflight"

	"idpool/internal/fetch"
)

const (
	// refetchEvery is how often at the most an issuer is asked because of a
	// key that nobody knows.
	refetchEvery = 10 * time.Second
	minTTL       = 5 * time.Minute
	maxKeys      = 500
	minRSABits   = 2048
	maxRSABits   = 8192
)

// key is a public key of an issuer.
type key struct {
	id   string
	algs []jose.SignatureAlgorithm // that it may verify
	key  any
}

// keySets are the key sets of all issuers that were asked for.
type keySets struct {
	client *fetch.Client
	now    func() time.Time
	ttl    time.Duration
	sets   sync.Map // issuer + jwksURI → *keySet; only configured ones come in
}

func newKeySets(client *fetch.Client, now func() time.Time, ttl time.Duration) *keySets {
	return &keySets{client: client, now: now, ttl: ttl}
}

func (k *keySets) of(issuer, jwksURI string) *keySet {
	name := issuer + "\n" + jwksURI
	if s, ok := k.sets.Load(name); ok {
		return s.(*keySet)
	}
	s, _ := k.sets.LoadOrStore(name, &keySet{keySets: k, issuer: issuer, jwksURI: jwksURI})
	return s.(*keySet)
}

// keySet is the key set of one issuer. A key of it verifies tokens of that
// issuer only.
type keySet struct {
	*keySets
	issuer, jwksURI string
	fetching        singleflight.Group

	mu      sync.RWMutex
	keys    []*key
	fresh   time.Time // until when the set is used without a question
	dead    time.Time // from when on it is not used at all
	asked   time.Time // when the issuer was last asked
	problem error     // what came of it
}

// holds reports whether the key is still one of the issuer's.
func (s *keySet) holds(k *key) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.now().Before(s.dead) {
		return false
	}
	for _, held := range s.keys {
		if held == k {
			return true
		}
	}
	return false
}

// verify finds the key of a token and checks the signature with it.
func (s *keySet) verify(ctx context.Context, t *token) (*key, error) {
	candidates := s.candidates(ctx, t)
	for _, k := range candidates {
		if _, err := t.jws.Verify(k.key); err == nil {
			return k, nil
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(candidates) == 0 {
		return nil, fmt.Errorf("no key %.64q for %s in the key set of %s, asked at %s (%v)", t.kid, t.alg, s.issuer, s.asked.Format(time.RFC3339), s.problem)
	}
	return nil, fmt.Errorf("key %.64q of %s did not make this signature", t.kid, s.issuer)
}

// candidates are the keys that a token can be signed with: the one that it
// names, or for a token that names none the only one of its kind.
func (s *keySet) candidates(ctx context.Context, t *token) []*key {
	found, ask := s.lookup(t)
	if ask == no {
		return found
	}
	if ask == soon { // it will do; the next one has it fresher
		go s.refetch(context.WithoutCancel(ctx))
		return found
	}
	done := s.fetching.DoChan("", func() (any, error) { return nil, s.fetch(context.WithoutCancel(ctx)) })
	select {
	case <-ctx.Done():
		return nil
	case <-done:
	}
	found, _ = s.lookup(t)
	return found
}

func (s *keySet) refetch(ctx context.Context) {
	s.fetching.Do("", func() (any, error) { return nil, s.fetch(ctx) })
}

// ask says whether the issuer must be asked before a token can be judged.
type ask int

const (
	no ask = iota
	soon
	now
)

func (s *keySet) lookup(t *token) (found []*key, a ask) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	at := s.now()
	alive := at.Before(s.dead)
	mayAsk := s.asked.IsZero() || at.Sub(s.asked) >= refetchEvery || at.Before(s.asked)
	if alive {
		for _, k := range s.keys {
			if k.fits(t) {
				found = append(found, k)
			}
		}
	}
	if t.kid == "" && len(found) > 1 {
		found = nil // a token that names no key must leave no choice
	}
	switch {
	case len(found) > 0 && at.Before(s.fresh), !mayAsk:
		return found, no
	case len(found) > 0:
		return found, soon
	}
	return nil, now
}

func (k *key) fits(t *token) bool {
	if t.kid != "" && k.id != t.kid {
		return false
	}
	for _, alg := range k.algs {
		if string(alg) == t.alg {
			return true
		}
	}
	return false
}

// fetch asks the issuer for its keys and replaces what was known. While it
// cannot be asked, the last good set stays until its time is over.
func (s *keySet) fetch(ctx context.Context) error {
	s.mu.Lock()
	if at := s.now(); !s.asked.IsZero() && at.Sub(s.asked) < refetchEvery && !at.Before(s.asked) {
		s.mu.Unlock()
		return nil // somebody else just did
	}
	s.asked = s.now()
	s.mu.Unlock()
	keys, ttl, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = err
	if err != nil {
		return err
	}
	ttl = min(max(ttl, min(minTTL, s.ttl)), s.ttl)
	at := s.now()
	s.keys, s.fresh, s.dead = s.merge(keys), at.Add(ttl/2), at.Add(ttl)
	return nil
}

// merge keeps the keys that were there before, so that what they verified
// stays verified.
func (s *keySet) merge(fresh []*key) []*key {
	for i, f := range fresh {
		for _, old := range s.keys {
			if old.id == f.id && sameKey(old.key, f.key) && fmt.Sprint(old.algs) == fmt.Sprint(f.algs) {
				fresh[i] = old
			}
		}
	}
	return fresh
}

func sameKey(a, b any) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		return a.Equal(b)
	case *ecdsa.PublicKey:
		return a.Equal(b)
	}
	return false
}

// load fetches the discovery document, unless the configuration says where the
// keys are, and the key set.
func (s *keySet) load(ctx context.Context) ([]*key, time.Duration, error) {
	address := s.jwksURI
	if address == "" {
		body, _, err := s.client.Get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
		if err != nil {
			return nil, 0, fmt.Errorf("discovery document: %w", err)
		}
		if address, err = readDiscovery(body, s.issuer); err != nil {
			return nil, 0, fmt.Errorf("discovery document: %w", err)
		}
	}
	body, header, err := s.client.Get(ctx, address)
	if err != nil {
		return nil, 0, fmt.Errorf("key set: %w", err)
	}
	keys, err := readKeySet(body)
	if err != nil {
		return nil, 0, fmt.Errorf("key set: %w", err)
	}
	return keys, lifetime(header), nil
}

// readDiscovery reads where the keys are (OpenID Connect Discovery 1.0, 4.3:
// the document must be that of the issuer it was asked of).
func readDiscovery(body []byte, issuer string) (string, error) {
	var doc struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if tooDeep(body) {
		return "", errors.New("nested too deeply")
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", err
	}
	if doc.Issuer != issuer {
		return "", fmt.Errorf("it is of issuer %.200q, not of %q", doc.Issuer, issuer)
	}
	u, err := url.Parse(doc.JWKSURI)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("jwks_uri %.200q is not an address", doc.JWKSURI)
	}
	if strings.HasPrefix(issuer, "https:") && u.Scheme != "https" {
		return "", fmt.Errorf("jwks_uri %.200q is not https", doc.JWKSURI)
	}
	return doc.JWKSURI, nil
}

// readKeySet reads a key set (RFC 7517, 5). A key that cannot be used is
// passed over; the others stand.
func readKeySet(body []byte) ([]*key, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if tooDeep(body) {
		return nil, errors.New("nested too deeply")
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("%d keys, at most %d", len(set.Keys), maxKeys)
	}
	var keys []*key
	for _, raw := range set.Keys {
		var jwk jose.JSONWebKey
		if err := jwk.UnmarshalJSON(raw); err != nil || jwk.Use != "" && jwk.Use != "sig" || len(jwk.KeyID) > maxKeyID {
			continue
		}
		algs := usable(jwk.Key)
		if jwk.Algorithm != "" {
			algs = only(algs, jose.SignatureAlgorithm(jwk.Algorithm))
		}
		if len(algs) > 0 {
			keys = append(keys, &key{id: jwk.KeyID, algs: algs, key: jwk.Key})
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no usable key among %d", len(set.Keys))
	}
	return keys, nil
}

// usable are the algorithms that a key may verify: its type decides the
// family, its curve the algorithm.
func usable(k any) []jose.SignatureAlgorithm {
	switch k := k.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= minRSABits && bits <= maxRSABits && k.E >= 3 && k.E%2 == 1 {
			return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			return []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	}
	return nil
}

func only(algs []jose.SignatureAlgorithm, alg jose.SignatureAlgorithm) []jose.SignatureAlgorithm {
	for _, a := range algs {
		if a == alg {
			return []jose.SignatureAlgorithm{a}
		}
	}
	return nil
}

// lifetime is how long an answer may be kept, by its Cache-Control.
func lifetime(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(strings.ToLower(directive)), "max-age="); ok {
			if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return time.Hour
}

func decodeBase64(text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
