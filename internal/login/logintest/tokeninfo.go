package logintest

import (
	"crypto/rand"
	"net/http"
	"testing"
	"time"
)

// TokenInfo is Login with Amazon, as far as it is asked about access tokens.
type TokenInfo struct {
	*API
	tokens map[string]amazonToken
}

type amazonToken struct {
	accessToken
	client string
}

// NewTokenInfo starts one.
func NewTokenInfo(t testing.TB, now func() time.Time) *TokenInfo {
	t.Helper()
	i := &TokenInfo{tokens: map[string]amazonToken{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/o2/tokeninfo", i.tokenInfo)
	i.API = newAPI(t, now, mux)
	return i
}

// Token hands out an access token for a user of an application, which has an ID
// and a client ID.
func (i *TokenInfo) Token(app, client, user string, lifetime time.Duration) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	token := "Atza|" + rand.Text() + rand.Text()
	i.tokens[token] = amazonToken{accessToken{app, user, "", i.now().Add(lifetime)}, client}
	return token
}

// Revoke takes a token back.
func (i *TokenInfo) Revoke(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.tokens, token)
}

func (i *TokenInfo) tokenInfo(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("access_token")
	i.mu.Lock()
	a, known := i.tokens[token]
	i.mu.Unlock()
	left := a.expires.Sub(i.now())
	if !known || left <= 0 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_token", "error_description": "The request has an invalid parameter : access_token " + token})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"iss": "https://www.amazon.com", "user_id": a.user, "aud": a.client, "app_id": a.app, "exp": int64(left / time.Second), "iat": i.now().Unix(),
	})
}
