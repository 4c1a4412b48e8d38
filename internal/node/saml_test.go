package node_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"idpool/internal/idpool"
	"idpool/internal/node"
	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

// staffed is a node on a store with a SAML provider, a pool that trusts it, and
// what a response of it says.
func staffed(t *testing.T) (w *world, provider *samltest.Provider, pool idpool.Pool, wish func(id string) samltest.Wish) {
	t.Helper()
	store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
	w, stop := start(t, store, func(c *node.Config) { c.RolesByName = true })
	t.Cleanup(func() { stop(); store.Close() })
	provider = samltest.New("https://idp.example.com")
	held := idpool.SAMLProvider{Account: account, Name: "corp", ID: "ASPA1", Metadata: provider.Metadata(), Created: w.now(), ValidUntil: w.now()}
	pool = idpool.Pool{ID: idpool.NewPoolID("us-east-1"), Account: account, Name: "staff", SAMLProviderARNs: []string{held.ARN()}, Version: 1, Created: w.now(), Modified: w.now()}
	if err := store.Update(t.Context(), func(tx idpool.Writer) error {
		if err := tx.PutSAMLProvider(t.Context(), held); err != nil {
			return err
		}
		return tx.CreatePool(t.Context(), pool)
	}); err != nil {
		t.Fatal(err)
	}
	wish = func(id string) samltest.Wish {
		return samltest.Wish{ID: id, At: w.now(), Attributes: [][]string{
			{saml.RoleAttribute, "arn:aws:iam::" + account + ":role/staff," + held.ARN()}, {saml.SessionNameAttribute, "ann"}}}
	}
	return w, provider, pool, wish
}

// TestAssertionsOnce: of 32 who bring one assertion to two nodes at once, one
// gets a session (threats S-9).
func TestAssertionsOnce(t *testing.T) {
	w, provider, _, wish := staffed(t)
	other, stop := start(t, w.store, func(c *node.Config) { c.RolesByName = true })
	defer stop()
	assume := func(at, role, response string) int {
		resp, err := http.PostForm(at, url.Values{"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "SAMLAssertion": {response},
			"RoleArn": {"arn:aws:iam::" + account + ":role/" + role}, "PrincipalArn": {"arn:aws:iam::" + account + ":saml-provider/corp"}})
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	response := provider.Signed(wish("_once"))
	if status := assume(w.url, "boss", response); status != 403 { // which must not use it up
		t.Errorf("another role: status %d", status)
	}
	var all sync.WaitGroup
	var sessions, refused atomic.Int64
	for i := range 32 {
		all.Go(func() {
			switch assume([]string{w.url, other.url}[i%2], "staff", response) {
			case 200:
				sessions.Add(1)
			case 400:
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if sessions.Load() != 1 || refused.Load() != 31 {
		t.Errorf("%d sessions, %d refused", sessions.Load(), refused.Load())
	}
	if status := assume(w.url, "staff", provider.Signed(wish("_twice"))); status != 200 {
		t.Errorf("another assertion: status %d", status)
	}
}

// TestForgedResponses: a response that is refused leaves nothing behind but an
// event that says why, and the response is not in it.
func TestForgedResponses(t *testing.T) {
	w, provider, pool, wish := staffed(t)
	plain := provider.Response(wish("_a"))
	signed := provider.Sign(plain, "Assertion")
	assertion := signed[strings.Index(signed, "<saml:Assertion"):strings.Index(signed, "</samlp:Response>")]
	checks := map[string]string{}
	for name, text := range map[string]string{
		"signature": plain, "structure": strings.Replace(signed, "</samlp:Response>", strings.ReplaceAll(assertion, "_a\"", "_b\"")+"</samlp:Response>", 1), "XML": "<!DOCTYPE a>" + signed,
		"issuer": strings.ReplaceAll(signed, "https://idp.example.com", "https://idp.example.org"), "encryption": strings.ReplaceAll(plain, "saml:Assertion", "saml:EncryptedAssertion"),
		"audience": provider.Sign(strings.Replace(plain, "urn:amazon:webservices", "urn:other", 1), "Assertion"),
		"status":   strings.Replace(plain, "status:Success", "status:Responder", 1),
	} {
		response := w.secret("the response with a bad "+name, samltest.Post(text))
		w.cognito("GetId", credentials{}, 400, map[string]any{"IdentityPoolId": pool.ID, "Logins": map[string]string{pool.SAMLProviderARNs[0]: response}}, nil)
		events := w.events()
		checks[name] = fmt.Sprint(events[len(events)-1]["cause"])
	}
	for check, cause := range checks {
		if !strings.Contains(cause, check+": expected ") || strings.Contains(cause, "ann") {
			t.Errorf("the cause of a bad %s is %q", check, cause)
		}
	}
	w.wantNoSecret("the log", w.log.String())
	err := w.store.View(t.Context(), func(r idpool.Reader) error {
		left, err := r.Identities(context.Background(), pool.ID, "", 10)
		if len(left) != 0 {
			t.Errorf("%d identities were made", len(left))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	w.cognito("GetId", credentials{}, 200, map[string]any{"IdentityPoolId": pool.ID, "Logins": map[string]string{pool.SAMLProviderARNs[0]: samltest.Post(signed)}}, nil)
}
