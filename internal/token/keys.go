package token

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

// keyBits is the size of the hosted service's keys.
const keyBits = 2048

// keysMemory is how long a node believes what it read: a key that another node
// made, or retired, counts after that.
const keysMemory = time.Second

// Keys are the keys that sign OpenID tokens. They live sealed in the store, where
// all nodes find them; a node makes the first one if there is none.
type Keys struct {
	Store  idpool.Store
	Box    *seal.Box // for private keys
	Region string    // the first part of each kid
	Now    func() time.Time

	mu    sync.Mutex // held while keys are read or made, so that one is made
	known atomic.Pointer[snapshot]
}

// snapshot is what the store had.
type snapshot struct {
	keys []signingKey // in the order in which they sign; at least one
	read time.Time
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
	cert    *x509.Certificate
	lifecycle
}

// Open reads the keys that the store has, and reports whether it has any. It
// fails if the master key is not the one they were sealed with.
func (k *Keys) Open(ctx context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rows, err := k.read(ctx)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	return true, k.open(rows)
}

// Load makes the first key if the store has none. The server calls it in the
// background at its first start: making a key takes a while, and only what
// needs a key should wait for it.
func (k *Keys) Load(ctx context.Context) error {
	_, err := k.all(ctx)
	return err
}

// all returns the keys in the order in which they sign; at least one. What the
// node knows is read again after a moment, by one request while the others go on
// with it, and goes on being used while the store does not answer.
func (k *Keys) all(ctx context.Context) ([]signingKey, error) {
	known := k.known.Load()
	switch {
	case known == nil:
		k.mu.Lock()
	case known.fresh(k.Now()) || !k.mu.TryLock():
		return known.keys, nil
	}
	defer k.mu.Unlock()
	if known = k.known.Load(); known != nil && known.fresh(k.Now()) { // somebody else was quicker
		return known.keys, nil
	}
	rows, err := k.read(ctx)
	if err == nil && len(rows) == 0 {
		rows, err = k.first(ctx)
	}
	if err == nil {
		err = k.open(rows)
	}
	switch {
	case err == nil:
		return k.known.Load().keys, nil
	case known != nil:
		return known.keys, nil
	}
	return nil, fmt.Errorf("read the signing keys: %w", err)
}

func (s *snapshot) fresh(now time.Time) bool {
	age := now.Sub(s.read)
	return age >= 0 && age < keysMemory
}

// open unseals the keys into memory, but for those that are there; k.mu is held.
func (k *Keys) open(rows []idpool.SigningKey) error {
	var before []signingKey
	if known := k.known.Load(); known != nil {
		before = known.keys
	}
	fresh := &snapshot{read: k.Now()}
	for _, row := range rows {
		i := slices.IndexFunc(before, func(have signingKey) bool { return have.id == row.ID && bytes.Equal(have.cert.Raw, row.Certificate) })
		if i >= 0 {
			key := before[i]
			key.lifecycle = lifecycleOf(row)
			fresh.keys = append(fresh.keys, key)
			continue
		}
		key, err := k.unseal(row)
		if err != nil {
			return fmt.Errorf("open signing key %s: %w", row.ID, err)
		}
		fresh.keys = append(fresh.keys, key)
	}
	slices.SortStableFunc(fresh.keys, func(a, b signingKey) int { return a.useFrom.Compare(b.useFrom) })
	chain(fresh.keys)
	k.known.Store(fresh)
	return nil
}

func (k *Keys) read(ctx context.Context) (rows []idpool.SigningKey, err error) {
	err = k.Store.View(ctx, func(r idpool.Reader) (err error) {
		rows, err = r.SigningKeys(ctx)
		return err
	})
	return rows, err
}

// first makes and stores the first key, unless another node was quicker.
func (k *Keys) first(ctx context.Context) ([]idpool.SigningKey, error) {
	fresh, err := k.generate(1)
	if err != nil {
		return nil, err
	}
	var rows []idpool.SigningKey
	err = k.Store.Update(ctx, func(w idpool.Writer) (err error) {
		if rows, err = w.SigningKeys(ctx); err != nil || len(rows) > 0 {
			return err
		}
		rows = []idpool.SigningKey{fresh}
		return w.PutSigningKey(ctx, fresh)
	})
	return rows, err
}

// kid is the ID of the key of a number (behaviour 5.1).
func (k *Keys) kid(number int) string { return fmt.Sprintf("%s%d", k.Region, number) }

// generate makes the key of a number, with the certificate that the oldest
// relying parties ask for.
func (k *Keys) generate(number int) (idpool.SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return idpool.SigningKey{}, err
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	id := k.kid(number)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(number)),
		Subject:      pkix.Name{CommonName: "idpool " + id},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(20, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return idpool.SigningKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return idpool.SigningKey{}, err
	}
	return idpool.SigningKey{ID: id, Private: k.Box.Seal(der, "signing-key", id), Certificate: cert, Created: now, UseFrom: now}, nil
}

func (k *Keys) unseal(row idpool.SigningKey) (signingKey, error) {
	der, err := k.Box.Open(row.Private, "signing-key", row.ID)
	if err != nil {
		return signingKey{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return signingKey{}, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return signingKey{}, fmt.Errorf("a %T, want an RSA key", parsed)
	}
	cert, err := x509.ParseCertificate(row.Certificate)
	if err != nil {
		return signingKey{}, err
	}
	return signingKey{id: row.ID, private: private, cert: cert, lifecycle: lifecycleOf(row)}, nil
}

// signer returns the key that signs at a time.
func (k *Keys) signer(ctx context.Context, now time.Time) (signingKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return signingKey{}, err
	}
	return keys[signs(keys, now)], nil
}

// public returns the public half of a key whose tokens are good at a time; nil if
// there is no such key.
func (k *Keys) public(ctx context.Context, id string, now time.Time) (*rsa.PublicKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.id == id && key.published(now) {
			return &key.private.PublicKey, nil
		}
	}
	return nil, nil
}

// Set is the public key set (RFC 7517), with a certificate for each key. The key
// that signs comes first: Ceph looks at no other (WebTokenEngine of
// src/rgw/rgw_rest_sts.cc).
func (k *Keys) Set(ctx context.Context) (jose.JSONWebKeySet, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	now := k.Now()
	var set jose.JSONWebKeySet
	signing := signs(keys, now)
	for _, key := range slices.Concat(keys[signing:signing+1], keys[:signing], keys[signing+1:]) {
		if key.published(now) {
			set.Keys = append(set.Keys, jose.JSONWebKey{
				Key: key.private.Public(), KeyID: key.id, Algorithm: string(jose.RS512), Use: "sig",
				Certificates: []*x509.Certificate{key.cert},
			})
		}
	}
	return set, nil
}
