package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"idpool/internal/fetch"
	"idpool/internal/login"
)

// UserPool is the API of a Cognito user pool, which is asked about a person
// where the pool has ServerSideTokenCheck.
type UserPool struct {
	Endpoint string // empty: AWS's of the user pool's region
	// AccessKey signs the questions; it needs cognito-idp:AdminGetUser. Empty:
	// they are not signed, which is enough for emulators.
	AccessKey aws.Credentials
}

// askUserPool asks the user pool whether the person is there and enabled. It is
// asked each time: an answer of a minute ago says nothing about now.
//
// Nobody but the hosted service itself can ask about an ID token. What an
// outsider can ask is AdminGetUser, which knows of users who were deleted or
// disabled, and nothing of those who were signed out.
func (v *Verifier) askUserPool(ctx context.Context, p *provider, c *claims) error {
	user, known, err := v.adminGetUser(ctx, p, c)
	if err != nil {
		return login.Unavailable(p.name, err)
	}
	why := &login.Refusal{Provider: p.name, Check: "user pool", Expected: "an enabled user with sub " + quote(c.sub)}
	switch {
	case !known:
		why.Got = "no such user"
	case user.sub != c.sub: // deleted, and another one made under the name
		why.Got = "a user with sub " + quote(user.sub)
	case !user.enabled:
		why.Got = "a disabled user"
	default:
		return nil
	}
	return login.Invalid(why, "User is signed out or deleted.")
}

// user is what AdminGetUser answers, as far as it matters.
type user struct {
	sub     string
	enabled bool
}

func readUser(o object) (u user, err error) {
	u.enabled = o["Enabled"] == true
	attributes, _ := o["UserAttributes"].([]any)
	for _, one := range attributes {
		if a, _ := one.(map[string]any); a["Name"] == "sub" {
			u.sub, _ = a["Value"].(string)
		}
	}
	if u.sub == "" {
		err = errors.New("AdminGetUser: the answer has no sub")
	}
	return u, err
}

// adminGetUser asks for the user whom a verified token is about (Amazon Cognito
// user pools API Reference, AdminGetUser). known is false if the user pool says
// that there is none.
func (v *Verifier) adminGetUser(ctx context.Context, p *provider, c *claims) (u user, known bool, err error) {
	host, id, _ := strings.Cut(p.name, "/")
	name, _ := c.all["cognito:username"].(string)
	if name == "" {
		name = c.sub
	}
	body, err := json.Marshal(map[string]string{"UserPoolId": id, "Username": name})
	if err != nil {
		return u, false, err
	}
	endpoint := p.api.Endpoint
	if endpoint == "" {
		endpoint = "https://" + host + "/"
	}
	ctx, cancel := context.WithTimeout(ctx, fetch.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(string(body)))
	if err != nil {
		return u, false, errors.New("the endpoint is not an address")
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminGetUser")
	if p.api.AccessKey.HasKeys() {
		sum := sha256.Sum256(body)
		region, _, _ := strings.Cut(strings.TrimPrefix(host, "cognito-idp."), ".")
		if err := v4.NewSigner().SignHTTP(ctx, p.api.AccessKey, r, hex.EncodeToString(sum[:]), "cognito-idp", region, v.config.Now()); err != nil {
			return u, false, fmt.Errorf("sign the question: %w", err)
		}
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return u, false, err
	}
	o, err := readObject(answer.Body)
	if err != nil {
		return u, false, fmt.Errorf("AdminGetUser: status %d: %w", answer.Status, err)
	}
	if answer.Status != http.StatusOK {
		code, _ := o["__type"].(string)
		code = code[strings.LastIndexByte(code, '#')+1:] // some servers name it with its namespace
		if code == "UserNotFoundException" {
			return u, false, nil
		}
		return u, false, fmt.Errorf("AdminGetUser: status %d, %s", answer.Status, quote(code))
	}
	u, err = readUser(o)
	return u, true, err
}
