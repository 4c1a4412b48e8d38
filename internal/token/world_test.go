package token

import (
	"bytes"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
)

const (
	url      = "https://pool.example.com"
	account  = "111122223333"
	pool     = "us-east-1:12345678-dead-beef-cafe-123456790abc"
	identity = "us-east-1:0a0a0a0a-1111-7222-8333-444444444444"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

func box(t testing.TB, b byte) *seal.Box {
	t.Helper()
	ring, err := seal.New(bytes.Repeat([]byte{b}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return ring.Box("signing keys")
}

func openStore(t testing.TB) (store *sqlite.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "idpool.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, path
}

// newKeys are the keys of a node on a store.
func newKeys(t testing.TB, store idpool.Store) *Keys {
	return &Keys{Store: store, Box: box(t, 1), Region: "us-east-1", Now: func() time.Time { return now }}
}

// Making a key takes long, so tests share these two.
var made struct {
	sync.Once
	rows []idpool.SigningKey
}

// stored are the first two keys, made at now and sealed.
func stored(t testing.TB) (first, second idpool.SigningKey) {
	t.Helper()
	made.Do(func() {
		k := newKeys(t, nil)
		for number := 1; number <= 2; number++ {
			row, err := k.generate(number)
			if err != nil {
				t.Fatal(err)
			}
			made.rows = append(made.rows, row)
		}
	})
	if len(made.rows) < 2 {
		t.Fatal("there are no keys")
	}
	return made.rows[0], made.rows[1]
}

func put(t testing.TB, store idpool.Store, rows ...idpool.SigningKey) {
	t.Helper()
	for _, row := range rows {
		if err := store.Update(t.Context(), func(w idpool.Writer) error { return w.PutSigningKey(t.Context(), row) }); err != nil {
			t.Fatal(err)
		}
	}
}

// newIssuer is an issuer with one key, whose clock the test can move.
func newIssuer(t testing.TB) (issuer *Issuer, at *time.Time) {
	t.Helper()
	store, _ := openStore(t)
	first, _ := stored(t)
	put(t, store, first)
	clock := now
	return &Issuer{URL: url, Keys: newKeys(t, store), Now: func() time.Time { return clock }}, &clock
}

// ann is somebody who signed in at one provider.
func ann() idpool.OpenID {
	return idpool.NewOpenID(idpool.Pool{ID: pool, Account: account}, identity, []idpool.VerifiedLogin{{
		Login: idpool.Login{Provider: "login.example.com", Subject: "ann"}, Detail: "arn:aws:iam::111122223333:oidc-provider/login.example.com:OIDC:ann"}})
}
