package token

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idpool/internal/idpool"
	"idpool/internal/seal"
)

// keyBits is the size of the hosted service's keys.
const keyBits = 2048

// Keys are the keys that sign OpenID tokens. They live sealed in the store; a
// node reads them once, and makes the first one if there is none.
type Keys struct {
	Store  idpool.Store
	Box    *seal.Box // for private keys
	Region string    // the first part of each kid
	Now    func() time.Time

	mu     sync.Mutex // held while keys are read or made, so that one is made
	loaded []signingKey
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
	cert    *x509.Certificate
	useFrom time.Time
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

// all returns the keys, oldest first; at least one.
func (k *Keys) all(ctx context.Context) ([]signingKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded != nil {
		return k.loaded, nil
	}
	rows, err := k.read(ctx)
	if err == nil && len(rows) == 0 {
		rows, err = k.first(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	err = k.open(rows)
	return k.loaded, err
}

// open unseals the keys into memory; k.mu is held.
func (k *Keys) open(rows []idpool.SigningKey) error {
	var keys []signingKey
	for _, row := range rows {
		key, err := k.unseal(row)
		if err != nil {
			return fmt.Errorf("open signing key %s: %w", row.ID, err)
		}
		keys = append(keys, key)
	}
	k.loaded = keys
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

// generate makes the key of a number, with the certificate that the oldest
// relying parties ask for.
func (k *Keys) generate(number int) (idpool.SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return idpool.SigningKey{}, err
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	id := fmt.Sprintf("%s%d", k.Region, number)
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
	return signingKey{id: row.ID, private: private, cert: cert, useFrom: row.UseFrom}, nil
}

// signer returns the newest key that is in use.
func (k *Keys) signer(ctx context.Context, now time.Time) (signingKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return signingKey{}, err
	}
	for _, key := range slices.Backward(keys) {
		if !key.useFrom.After(now) {
			return key, nil
		}
	}
	return keys[0], nil // a clock that went back: the oldest is the best there is
}

// public returns the public half of a key; nil if there is no such key.
func (k *Keys) public(ctx context.Context, id string) (*rsa.PublicKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.id == id {
			return &key.private.PublicKey, nil
		}
	}
	return nil, nil
}

// Set is the public key set (RFC 7517), with a certificate for each key.
func (k *Keys) Set(ctx context.Context) (jose.JSONWebKeySet, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: key.private.Public(), KeyID: key.id, Algorithm: string(jose.RS512), Use: "sig",
			Certificates: []*x509.Certificate{key.cert},
		})
	}
	return set, nil
}
