package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"idpool/internal/fetch"
	"idpool/internal/login"
)

const (
	// askEvery is how long an issuer is left alone after it was asked in vain:
	// it failed, or its keys had not made the token at hand either.
	askEvery = 10 * time.Second
	// minLifetime and ordinaryLifetime are how long a key set is good for if
	// its issuer says less, or nothing.
	minLifetime      = 5 * time.Minute
	ordinaryLifetime = time.Hour
	// maxIssuers bounds how many key sets are kept.
	maxIssuers = 1000
	// maxCandidates bounds how many keys are tried for one token: an issuer
	// may use a key ID twice, but not make us try hundreds.
	maxCandidates = 4
)

// place is where the keys of an issuer are. Both parts come from the
// configuration, never from a token.
type place struct {
	issuer  string
	jwksURI string // empty: where discovery says
}

// keySets are the key sets of all issuers that were asked for.
type keySets struct {
	client *fetch.Client
	now    func() time.Time
	ttl    time.Duration // after which a key that nobody confirms is no longer believed
	told   func(error)   // what came of a fetch; may be nil
	sets   *otter.Cache[place, *keySet]
}

func newKeySets(client *fetch.Client, now func() time.Time, ttl time.Duration, told func(error)) *keySets {
	return &keySets{client: client, now: now, ttl: ttl, told: told, sets: otter.Must(&otter.Options[place, *keySet]{MaximumSize: maxIssuers})}
}

// of returns the key set of a place. A key of it verifies tokens of that issuer
// only, whatever its ID.
func (k *keySets) of(at place) *keySet {
	if s, ok := k.sets.GetIfPresent(at); ok {
		return s
	}
	s, _ := k.sets.ComputeIfAbsent(at, func() (*keySet, bool) { return &keySet{keySets: k, place: at}, false })
	return s
}

// keySet is the key set of one issuer, as it was last fetched. Who uses it waits
// for no one else who does.
type keySet struct {
	*keySets
	place

	held atomic.Pointer[fetched] // nil until a fetch succeeds

	mu        sync.Mutex    // of what follows
	asked     time.Time     // when the last fetch ended
	problem   error         // what came of it
	notBefore time.Time     // of the next fetch
	pause     time.Duration // what notBefore was made of, if the last fetch failed
	asking    chan struct{} // closed when the fetch under way ends; nil if there is none
}

// fetched is what a fetch brought: another fetch replaces it whole. From soft on
// it is fetched again in the background while what is there goes on being used;
// from hard on it is not used any more.
type fetched struct {
	keys       []*key
	soft, hard time.Time
}

// prefetch asks for the keys, unless they are there.
func (s *keySet) prefetch() {
	if s.current() == nil {
		s.ask()
	}
}

// holds reports whether a key is one of the issuer's now.
func (s *keySet) holds(k *key) bool { return slices.ContainsFunc(s.current(), k.same) }

// current returns the keys that may be used now, and sees to it that they will
// be there the next time.
func (s *keySet) current() []*key {
	held, now := s.held.Load(), s.now()
	if held == nil || !now.Before(held.hard) {
		return nil
	}
	if !now.Before(held.soft) {
		s.ask()
	}
	return held.keys
}

// ask starts a fetch, or joins the one that is under way. It returns nil if it
// is too early to ask again.
func (s *keySet) ask() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking == nil && !s.now().Before(s.notBefore) {
		s.asking = make(chan struct{})
		go s.fetch()
	}
	return s.asking
}

// verify finds the key that signed a token. If no known key did, the issuer is
// asked for newer ones, but not again within askEvery: meanwhile the answer is
// no. A token that a known key signed never waits for this.
func (s *keySet) verify(ctx context.Context, t *token) (*key, *login.Refusal) {
	if k := s.signer(t); k != nil {
		return k, nil
	}
	done := s.ask()
	if done == nil {
		return nil, s.refusal(t)
	}
	select {
	case <-done:
	case <-ctx.Done():
		return nil, &login.Refusal{Check: "key", Cause: context.Cause(ctx)}
	}
	if k := s.signer(t); k != nil {
		return k, nil
	}
	return nil, s.refusal(t)
}

// signer is the known key that signed a token; nil if there is none.
func (s *keySet) signer(t *token) *key {
	for _, k := range candidates(s.current(), t) {
		if k.signed(t) {
			return k
		}
	}
	return nil
}

// candidates are the keys that a token can be signed with: those that it
// names, or for a token that names none the only one of its kind.
func candidates(keys []*key, t *token) []*key {
	var found []*key
	for _, k := range keys {
		if k.fits(t) {
			found = append(found, k)
		}
	}
	if t.kid == "" && len(found) > 1 {
		return nil
	}
	return found[:min(len(found), maxCandidates)]
}

// refusal says why no key signed a token.
func (s *keySet) refusal(t *token) *login.Refusal {
	keys := s.current()
	switch found := candidates(keys, t); {
	case len(keys) == 0:
		return &login.Refusal{Check: "key", Expected: "a key set of " + quote(s.issuer), Got: "none", Cause: s.history()}
	case len(found) > 0:
		return &login.Refusal{Check: "signature", Expected: "one made with key " + quote(found[0].id), Got: "another", Cause: s.history()}
	case t.kid == "":
		return &login.Refusal{Check: "key", Expected: "a kid, unless one key alone is for " + t.alg, Got: "none", Cause: s.history()}
	}
	return &login.Refusal{Check: "key", Expected: fmt.Sprintf("one of the %d keys of %s", len(keys), quote(s.issuer)),
		Got: "kid " + quote(t.kid) + " for " + t.alg, Cause: s.history()}
}

// history says how current the key set is.
func (s *keySet) history() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.asked.IsZero():
		return errors.New("key set never fetched")
	case s.problem != nil:
		return fmt.Errorf("key set asked for at %s: %w", s.asked.UTC().Format(time.RFC3339), s.problem)
	}
	return fmt.Errorf("key set fetched at %s", s.asked.UTC().Format(time.RFC3339))
}

// fetch asks the issuer, and belongs to no request: those who wait for it may
// go, and the others still get its answer.
func (s *keySet) fetch() {
	began := s.now()
	ctx, cancel := context.WithTimeout(context.Background(), fetch.Timeout)
	defer cancel()
	keys, lifetime, err := s.load(ctx)
	if s.told != nil {
		s.told(err)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.problem = s.now(), err
	old := s.held.Load()
	inUse := old != nil && s.asked.Before(old.hard)
	switch {
	case err == nil:
		// A key that left the set is refused after ttl, so that is counted
		// from when the answer was asked for; and refreshing begins early
		// enough that nobody has to wait for it.
		s.held.Store(&fetched{keys: keys, soft: began.Add(min(max(lifetime, minLifetime), s.ttl/2)), hard: began.Add(s.ttl)})
		s.pause = 0
		if inUse { // it was asked for the sake of a key: enough for now
			s.notBefore = s.asked.Add(min(askEvery, s.ttl/2))
		}
	default:
		// An issuer that is down is asked again soon, then less often.
		s.pause = min(max(2*s.pause, time.Second), askEvery)
		if inUse {
			s.pause = askEvery
		}
		s.notBefore = s.asked.Add(s.pause)
	}
	close(s.asking)
	s.asking = nil
}

// load fetches the discovery document, unless the configuration says where the
// keys are, and the key set.
func (s *keySet) load(ctx context.Context) ([]*key, time.Duration, error) {
	address := s.jwksURI
	if address == "" {
		at, err := discoveryAddress(s.issuer)
		if err != nil {
			return nil, 0, err
		}
		body, _, err := s.client.Get(ctx, at)
		if err != nil {
			return nil, 0, fmt.Errorf("fetch the discovery document: %w", err)
		}
		if address, err = readDiscovery(body, s.issuer); err != nil {
			return nil, 0, fmt.Errorf("read the discovery document: %w", err)
		}
	}
	body, header, err := s.client.Get(ctx, address)
	if err != nil {
		return nil, 0, fmt.Errorf("fetch the key set: %w", err)
	}
	keys, err := readKeySet(body)
	if err != nil {
		return nil, 0, fmt.Errorf("read the key set: %w", err)
	}
	return keys, lifetime(header, ordinaryLifetime), nil
}
