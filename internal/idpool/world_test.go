package idpool_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

const account = "111122223333"

// start is when every test begins.
var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// openStore opens an empty store.
func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// update changes the store.
func update(t testing.TB, store idpool.Store, fn func(ctx context.Context, w idpool.Writer) error) {
	t.Helper()
	if err := store.Update(context.Background(), func(w idpool.Writer) error { return fn(context.Background(), w) }); err != nil {
		t.Fatal(err)
	}
}

// createPool stores a pool of the account.
func createPool(t testing.TB, store idpool.Store, change func(*idpool.Pool)) idpool.Pool {
	t.Helper()
	p := idpool.Pool{ID: idpool.NewPoolID("us-east-1"), Account: account, Name: "pool", Version: 1, Created: start, Modified: start}
	if change != nil {
		change(&p)
	}
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.CreatePool(ctx, p) })
	return p
}

// wantError wants an error of a kind with a text for the client; no text means
// any.
func wantError(t testing.TB, err error, kind idpool.Kind, text string) {
	t.Helper()
	fault, ok := errors.AsType[*idpool.Error](err)
	if !ok || fault.Kind != kind || text != "" && fault.Msg != text {
		t.Errorf("got kind %d, %v; want kind %d, %q", idpool.KindOf(err), err, kind, text)
	}
}
