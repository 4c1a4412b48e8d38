package social

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// askAmazon asks Login with Amazon about an access token (Login with Amazon
// Developer Guide, "Verify the access token"). The pool may name the
// application by its ID or by its client ID.
func askAmazon(ctx context.Context, q question) (answer, error) {
	var out struct {
		Error   string `json:"error"`
		App     string `json:"app_id"`
		Client  string `json:"aud"`
		User    string `json:"user_id"`
		Seconds *int64 `json:"exp"` // that are left
	}
	now := q.config.Now()
	status, err := q.get(ctx, "/auth/o2/tokeninfo", url.Values{"access_token": {q.token}}, &out)
	switch {
	case err != nil:
		return answer{}, err
	case status == http.StatusBadRequest || status == http.StatusUnauthorized:
		return answer{}, &refused{"token", "one that Amazon knows", fmt.Sprintf("status %d, %s", status, quote(out.Error))}
	case status != http.StatusOK:
		return answer{}, fmt.Errorf("GET /auth/o2/tokeninfo: status %d, %s", status, quote(out.Error))
	case out.Seconds == nil:
		return answer{}, fmt.Errorf("GET /auth/o2/tokeninfo: the answer has no exp")
	}
	const year = 365 * 24 * 60 * 60
	left := time.Duration(min(max(*out.Seconds, 0), year)) * time.Second
	return answer{apps: []string{out.App, out.Client}, user: out.User, expires: now.Add(left)}, nil
}
