package social

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// askTwitter calls GET account/verify_credentials with the consumer key and
// secret that the pool names, "KEY;SECRET", and with the token and secret that
// were presented in the same form (behaviour 4.1). Twitter takes a token only
// from the application that it was made for.
func askTwitter(ctx context.Context, q question) (answer, error) {
	consumer, consumerSecret, ok := strings.Cut(q.app, ";")
	if !ok {
		return answer{}, errors.New("the pool names no consumer key and secret, with a semicolon between")
	}
	token, tokenSecret, ok := strings.Cut(q.token, ";")
	if !ok || token == "" || tokenSecret == "" {
		return answer{}, &refused{"parse", "an OAuth 1.0 token and its secret, with a semicolon between", "no such pair"}
	}
	query := url.Values{"include_entities": {"false"}, "skip_status": {"true"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.endpoint+"/1.1/account/verify_credentials.json?"+query.Encode(), nil)
	if err != nil {
		return answer{}, errors.New("the endpoint is not an address")
	}
	oauth1{consumer, consumerSecret, token, tokenSecret}.sign(r, q.config.Now())
	var out struct {
		Errors []struct {
			Code int `json:"code"`
		} `json:"errors"`
		User string `json:"id_str"`
	}
	status, err := q.send(r, &out)
	var codes []int
	for _, e := range out.Errors {
		codes = append(codes, e.Code)
	}
	switch {
	case err != nil:
		return answer{}, err
	case status == http.StatusOK:
		return answer{apps: []string{consumer}, user: out.User}, nil
	case status < 500 && slices.ContainsFunc(codes, func(code int) bool { return slices.Contains(badToken, code) }):
		return answer{}, &refused{"token", "one that verify_credentials takes", fmt.Sprintf("status %d, errors %v", status, codes)}
	}
	return answer{}, fmt.Errorf("GET verify_credentials: status %d, errors %v", status, codes)
}

// badToken are the codes that are about the token or the person (X developer
// documentation, "Response codes"): could not authenticate, account suspended,
// invalid or expired token, bad authentication data, account locked.
var badToken = []int{32, 64, 89, 215, 326}
