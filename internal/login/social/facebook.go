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
	case d.App != "" && string(d.App) != q.app:
		return answer{apps: []string{string(d.App)}}, nil
	case d.Error.Code == invalidParameter:
		return answer{apps: []string{"another application"}}, nil
	case d.Error.Code != 0 && !d.Error.refuses():
		return answer{}, fmt.Errorf("GET /debug_token: %v", d.Error)
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
	case out.Error.refuses() && status < 500:
		return "", &refused{"token", "one that opens " + path, out.Error.String()}
	case out.Error.Code == invalidParameter:
		return "", fmt.Errorf("GET %s: %v: perhaps the application demands its secret, which app_secret_file can hold", path, out.Error)
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

// invalidParameter is the code of /debug_token for a token of another
// application than the one that asks, and of everything else for a question
// that lacks something.
const invalidParameter = 100

// aboutToken are the codes that are a no to the token itself: its session is
// over, it is not valid any more or never was, it is nobody's. All others are
// about the application, the question, or Facebook's own state.
var aboutToken = []int{102, 190, 2500}

func (e graphError) refuses() bool { return slices.Contains(aboutToken, e.Code) && !e.Transient }

func (e graphError) String() string {
	if sub := e.Subcode + e.Subcode2; sub != 0 { // one of them is there
		return fmt.Sprintf("error %d, subcode %d", e.Code, sub)
	}
	return fmt.Sprintf("error %d", e.Code)
}
