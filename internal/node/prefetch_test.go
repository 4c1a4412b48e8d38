package node_test

import (
	"path/filepath"
	"testing"
	"time"

	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
	"idpool/internal/node"
)

// A server that starts again has the keys of issuers before the first token comes.
func TestPrefetchAtStart(t *testing.T) {
	t.Parallel()
	issuer := logintest.NewIssuer(t)
	store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
	defer store.Close()
	err := store.Update(t.Context(), func(w idpool.Writer) error {
		if err := w.PutOIDCProvider(t.Context(), idpool.OIDCProvider{Account: account, Name: "login.example.com", URL: "https://login.example.com", ClientIDs: []string{"app"}}); err != nil {
			return err
		}
		return w.CreatePool(t.Context(), idpool.Pool{ID: "us-east-1:12345678-dead-beef-cafe-123456790abc", Account: account, Version: 1, OIDCProviderARNs: []string{idpool.ProviderARN(account, "login.example.com")}})
	})
	if err != nil {
		t.Fatal(err)
	}
	_, stop := start(t, store, func(c *node.Config) {
		c.OIDC.Overrides = map[string]oidc.Override{"login.example.com": {Issuer: issuer.URL}}
	})
	defer stop()
	for deadline := time.Now().Add(10 * time.Second); issuer.Fetches(logintest.KeySet) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody asked for the keys")
		}
	}
}
