package control_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"idpool/internal/control"
	"idpool/internal/credential"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
	"idpool/internal/token"
)

func TestAccounts(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12)) // longer than a socket's address may be
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	client := control.Client{Folder: folder}
	if _, err := client.CreateAccount(t.Context(), "111122223333"); !errors.Is(err, control.ErrNotRunning) {
		t.Fatalf("without a server: %v", err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(folder, "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	keyring, _ := seal.New(make([]byte, seal.KeySize))
	keys := &token.Keys{Store: store, Box: keyring.Box("signing keys"), Region: "us-east-1", Now: time.Now}
	broker := credential.NewBroker(credential.Config{Store: store, Keyring: keyring, Account: "000000000000", Now: time.Now})
	if err := broker.EnsureRootKey(context.Background(), func(credential.RootKey) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second takes the place of what the first leaves behind
		l, err := control.Listen(folder)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: control.Handler(control.Local{Broker: broker, Keys: keys})}
		go srv.Serve(l)
		if info, err := os.Stat(filepath.Join(folder, "control.sock")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("socket: %v %v", info, err)
		}
		if _, err := client.CreateAccount(t.Context(), "000000000000"); err == nil || !strings.Contains(err.Error(), "there is an account 000000000000") {
			t.Errorf("one that there is: %v", err)
		}
		if _, err := client.CreateAccount(t.Context(), "12"); err == nil || !strings.Contains(err.Error(), "twelve digits") {
			t.Errorf("no account ID: %v", err)
		}
		key, err := client.CreateAccount(t.Context(), "111122223333")
		if err == nil {
			if account, err := broker.AccountOf(t.Context(), key.ID); err != nil || account != "111122223333" || key.Secret == "" {
				t.Errorf("made %+v for %s, %v", key.ID, account, err)
			}
		} else if !strings.Contains(err.Error(), "there is an account") {
			t.Error(err)
		}
		list, err := client.SigningKeys(t.Context())
		if want, _ := keys.List(t.Context()); err != nil || !slices.EqualFunc(list, want, func(a, b token.Info) bool { return a.ID == b.ID && a.State == b.State && a.UseFrom.Equal(b.UseFrom) }) {
			t.Errorf("keys: %v, %v; want %v", list, err, want)
		}
		next, err := client.RotateSigningKey(t.Context(), true)
		if err != nil || next.State != token.Next {
			t.Errorf("rotated: %+v, %v", next, err)
		}
		if err := client.RetireSigningKey(t.Context(), next.ID); err != nil {
			t.Error(err)
		}
		if err := client.RetireSigningKey(t.Context(), "none"); err == nil || err.Error() != "there is no signing key none" {
			t.Errorf("a key that there is not: %v", err)
		}
		if n, err := client.Rewrap(t.Context()); n != 0 || err != nil {
			t.Errorf("sealed anew: %d, %v", n, err)
		}
		srv.Close()
		if _, err := client.CreateAccount(t.Context(), "111122223333"); !errors.Is(err, control.ErrNotRunning) {
			t.Errorf("after the server: %v", err)
		}
		os.WriteFile(filepath.Join(folder, "control.sock"), nil, 0o600) // what a crash leaves behind
	}
}
