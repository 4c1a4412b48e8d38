package logintest

import (
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Graph is Facebook's Graph API, as far as it is asked about access tokens:
// /debug_token, /app and /me.
type Graph struct {
	*API
	secrets map[string]string // by application
	tokens  map[string]accessToken
}

// accessToken is what a provider knows about a token that it handed out.
type accessToken struct {
	app, user, kind string
	expires         time.Time
}

// NewGraph starts a Graph API that knows some applications and their secrets.
func NewGraph(t testing.TB, now func() time.Time, secrets map[string]string) *Graph {
	t.Helper()
	g := &Graph{secrets: maps.Clone(secrets), tokens: map[string]accessToken{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug_token", g.debugToken)
	mux.HandleFunc("GET /app", func(w http.ResponseWriter, r *http.Request) {
		g.object(w, r, func(a accessToken) string { return a.app })
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		g.object(w, r, func(a accessToken) string { return a.user })
	})
	g.API = newAPI(t, now, mux)
	return g
}

// Token hands out an access token for a user of an application.
func (g *Graph) Token(app, user string, lifetime time.Duration) string {
	return g.keep("EAA"+rand.Text()+rand.Text(), accessToken{app, user, "USER", g.now().Add(lifetime)})
}

// Put hands out a token of the test's own choice, good for an hour.
func (g *Graph) Put(token, app, user string) {
	g.keep(token, accessToken{app, user, "USER", g.now().Add(time.Hour)})
}

// PageToken hands out a token of a page, which is no person.
func (g *Graph) PageToken(app, page string) string {
	return g.keep("EAA"+rand.Text()+rand.Text(), accessToken{app, page, "PAGE", g.now().Add(time.Hour)})
}

func (g *Graph) keep(token string, a accessToken) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tokens[token] = a
	return token
}

// Revoke takes a token back, as when the person logs out.
func (g *Graph) Revoke(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tokens, token)
}

// look finds a token that is good. What is wrong with another quotes the token,
// as Facebook's messages do.
func (g *Graph) look(token string) (a accessToken, problem map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, known := g.tokens[token]
	switch {
	case !known:
		return a, map[string]any{"message": "Malformed access token " + token, "type": "OAuthException", "code": 190}
	case !g.now().Before(a.expires):
		return a, map[string]any{"message": "Error validating access token: Session has expired", "type": "OAuthException", "code": 190, "error_subcode": 463}
	}
	return a, nil
}

func (g *Graph) object(w http.ResponseWriter, r *http.Request, of func(accessToken) string) {
	a, problem := g.look(r.URL.Query().Get("access_token"))
	if problem != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": problem})
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": of(a)})
}

func (g *Graph) debugToken(w http.ResponseWriter, r *http.Request) {
	app, secret, _ := strings.Cut(r.URL.Query().Get("access_token"), "|")
	if secret == "" || g.secrets[app] != secret {
		answer(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "Invalid OAuth access token signature.", "type": "OAuthException", "code": 190}})
		return
	}
	a, problem := g.look(r.URL.Query().Get("input_token"))
	data := map[string]any{"is_valid": problem == nil, "scopes": []string{}}
	switch {
	case problem == nil && a.app != app:
		data["is_valid"] = false
		data["error"] = map[string]any{"code": 100, "message": "The App_id in the input_token did not match the Viewing App"}
	case problem != nil:
		data["error"] = map[string]any{"code": problem["code"], "subcode": problem["error_subcode"], "message": problem["message"]}
	default:
		data["app_id"], data["user_id"], data["type"], data["expires_at"] = a.app, a.user, a.kind, a.expires.Unix()
	}
	answer(w, http.StatusOK, map[string]any{"data": data})
}
