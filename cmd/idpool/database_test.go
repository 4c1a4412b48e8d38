package main

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/store/postgres/pgtest"
)

// TestOneRootKey: of servers that start at once on an empty database one makes
// the root key, and only its folder has it.
func TestOneRootKey(t *testing.T) {
	t.Parallel()
	address, folder := pgtest.Database(t), t.TempDir()
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			c := serveCommand{DatabaseURL: address + "&pool_max_conns=2", Data: filepath.Join(folder, name), MasterKey: base64.StdEncoding.EncodeToString(make([]byte, 32)),
				Issuer: "https://pool.example.com", Region: "us-east-1", Account: "000000000000"}
			store, keyring, err := c.open(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer store.Close()
			if _, err := c.node(t.Context(), store, keyring, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	files, err := filepath.Glob(filepath.Join(folder, "*", "*"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "credentials" {
		t.Fatalf("the folders hold %q, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	c := serveCommand{DatabaseURL: address, MasterKey: base64.StdEncoding.EncodeToString(make([]byte, 32))}
	store, _, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	err = store.View(t.Context(), func(r idpool.Reader) error {
		keys, err := r.AccessKeys(t.Context(), "000000000000")
		if len(keys) != 1 || !strings.Contains(string(text), "aws_access_key_id = "+keys[0].ID+"\n") {
			t.Errorf("the store has %v, the file says %.60q", keys, text)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
