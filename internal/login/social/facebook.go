package social

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// askFacebook asks the Graph API about a user access token (Meta for Developers,
// "Access Tokens: Debugging and Error Handling"). With the secret of the
// application one question says everything; without it the token itself must
// open /app and /me, which say whose it is.
func askFacebook(ctx context.Context, q question) (answer, error) {
	if q.secret != "" {
		return debugToken(ctx, q)
	}
	app, err := graphID(ctx, q, "/app")
	if err != nil {
		return answer{}, err
	}
	if app != q.app { // whose the token is does not matter any more
		return answer{apps: []string{app}}, nil
	}
	user, err := graphID(ctx, q, "/me")
	return answer{apps: []string{app}, user: user}, err
}

// debugToken asks as the application itself.
func debugToken(ctx context.Context, q question) (answer, error) {
	var out struct {
		Error graphError `json:"error"`
		Data  struct {
			Error   graphError `json:"error"`
			App     id         `json:"app_id"`
			Type    string     `json:"type"`
			Valid   bool       `json:"is_valid"`
			Expires int64      `json:"expires_at"` // 0: never
			User    id         `json:"user_id"`
		} `json:"data"`
	}
	status, err := q.get(ctx, "/debug_token", url.Values{"input_token": {q.token}, "access_token": {q.app + "|" + q.secret}}, &out)
	d := out.Data
	switch {
	case err != nil:
		return answer{}, err
	case status != http.StatusOK || out.Error.Code != 0:
		return answer{}, fmt.Errorf("GET /debug_token: status %d, %v: is the application's secret right?", status, out.Error)
	case d.Error.passes():
		return answer{}, fmt.Errorf("GET /debug_token: %v", d.Error)
	case d.App != "" && string(d.App) != q.app:
		return answer{apps: []string{string(d.App)}}, nil
	case d.Error.Code == foreignApp:
		return answer{apps: []string{"another application"}}, nil
	case !d.Valid:
		return answer{}, &refused{"token", "one that is valid", d.Error.String()}
	case d.Type != "" && d.Type != "USER":
		return answer{}, &refused{"token", "that of a user", "type " + quote(d.Type)}
	}
	a := answer{apps: []string{string(d.App)}, user: string(d.User)}
	if d.Expires != 0 {
		a.expires = time.Unix(d.Expires, 0)
	}
	return a, nil
}

// graphID asks for the ID of an object of the Graph API, with the token itself.
func graphID(ctx context.Context, q question, path string) (string, error) {
	var out struct {
		Error graphError `json:"error"`
		ID    id         `json:"id"`
	}
	status, err := q.get(ctx, path, url.Values{"fields": {"id"}, "access_token": {q.token}}, &out)
	switch {
	case err != nil:
		return "", err
	case out.Error.Code != 0 && !out.Error.passes() && status < 500:
		return "", &refused{"token", "one that opens " + path, out.Error.String()}
	case status != http.StatusOK:
		return "", fmt.Errorf("GET %s: status %d, %v", path, status, out.Error)
	}
	return string(out.ID), nil
}

// graphError is an error of the Graph API (Meta for Developers, "Handle
// Errors"). Its message may quote the token and is not read.
type graphError struct {
	Code      int  `json:"code"`
	Subcode   int  `json:"error_subcode"`
	Subcode2  int  `json:"subcode"` // its name in the answer of /debug_token
	Transient bool `json:"is_transient"`
}

// foreignApp is the code for a token that another application's secret was
// shown for.
const foreignApp = 100

// passing are the codes that say nothing about the token: an unknown error, a
// service that is down, and too many calls.
var passing = []int{1, 2, 4, 17, 32, 341, 613}

func (e graphError) passes() bool { return e.Transient || slices.Contains(passing, e.Code) }

func (e graphError) String() string {
	if sub := e.Subcode + e.Subcode2; sub != 0 { // one of them is there
		return fmt.Sprintf("error %d, subcode %d", e.Code, sub)
	}
	return fmt.Sprintf("error %d", e.Code)
}
