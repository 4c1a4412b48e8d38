package social

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"idpool/internal/fetch"
	"idpool/internal/idpool"
	"idpool/internal/login"
	"idpool/internal/login/logintest"
)

// FuzzAnswer holds that whatever a provider answers, a token is accepted only
// for the pool's application and for somebody, and is refused only as one's own
// fault or the provider's.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status uint16
		body   string
	}{
		{200, `{"id":"app"}`}, {200, `{"data":{"app_id":"app","user_id":"ann","is_valid":true,"expires_at":0,"type":"USER"}}`},
		{200, `{"data":{"error":{"code":190,"subcode":463},"is_valid":false}}`}, {400, `{"error":{"code":190,"error_subcode":463}}`},
		{200, `{"data":{"app_id":7,"user_id":8,"is_valid":true,"expires_at":1e99}}`}, {403, `{"error":{"code":4,"is_transient":true}}`},
		{200, `{"aud":"app","app_id":"b","user_id":"ann","exp":3000}`}, {400, `{"error":"invalid_token"}`}, {200, `{"aud":"app","exp":-1,"user_id":""}`},
		{200, `{"id_str":"ann"}`}, {401, `{"errors":[{"code":89},{"code":135}]}`}, {200, `null`}, {200, `{"id":"app","id":"b"}`}, {200, "{\"id\":\"\xff\"}"}, {500, ``},
	} {
		f.Add(seed.status-200, seed.body) // counted from 200
	}
	now := func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	api := logintest.NewTokenInfo(f, now)
	pool := &idpool.PoolConfig{Pool: idpool.Pool{SupportedLoginProviders: map[string]string{"graph.facebook.com": "app", "www.amazon.com": "app", "api.twitter.com": "app;secret"}}}
	config := Config{Now: now, Policy: fetch.Policy{AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	f.Fuzz(func(t *testing.T, status uint16, body string) {
		api.Answer(answering(200+int(status)%400, body))
		for _, secret := range []string{"", "secret"} {
			config.Overrides = map[string]Override{}
			for name := range pool.SupportedLoginProviders {
				config.Overrides[name] = Override{Endpoint: api.URL, AppSecrets: map[string]string{"": secret}}
			}
			v := New(config)
			for name := range pool.SupportedLoginProviders {
				got, err := v.Verify(t.Context(), pool, login.Presented{Provider: name, Token: "token;secret"})
				switch kind := idpool.KindOf(err); {
				case err != nil && kind != idpool.NotAuthorized && kind != idpool.Upstream:
					t.Errorf("%s: %v", name, err)
				case err == nil && (got.Subject == "" || len(got.Subject) > maxUser || got.Client != "app" || 200+int(status)%400 != http.StatusOK):
					t.Errorf("%s: accepted %+v", name, got)
				}
			}
		}
	})
}
