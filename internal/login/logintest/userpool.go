package logintest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// UserPool is the API of a Cognito user pool, as far as it is asked about its
// users. It checks signatures as AWS does.
type UserPool struct {
	*API
	id, region string
	key        aws.Credentials
	users      map[string]poolUser
}

type poolUser struct {
	sub      string
	disabled bool
}

// NewUserPool starts the API of a user pool, which whoever has the key may ask.
// Its ID begins with its region.
func NewUserPool(t testing.TB, now func() time.Time, id string, key aws.Credentials) *UserPool {
	t.Helper()
	region, _, _ := strings.Cut(id, "_")
	u := &UserPool{id: id, region: region, key: key, users: map[string]poolUser{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", u.serve)
	u.API = newAPI(t, now, mux)
	return u
}

// Put makes a user with a name and a sub, or makes it anew.
func (u *UserPool) Put(name, sub string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users[name] = poolUser{sub: sub}
}

// Disable disables a user.
func (u *UserPool) Disable(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users[name] = poolUser{u.users[name].sub, true}
}

// Delete deletes a user.
func (u *UserPool) Delete(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, name)
}

func (u *UserPool) serve(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		answer(w, http.StatusBadRequest, map[string]any{"__type": code, "message": "no"})
	}
	body, err := io.ReadAll(r.Body)
	var in struct{ UserPoolID, Username string }
	if err != nil || json.Unmarshal(body, &in) != nil {
		refuse("SerializationException")
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	user, known := u.users[in.Username]
	switch {
	case r.Header.Get("X-Amz-Target") != "AWSCognitoIdentityProviderService.AdminGetUser":
		refuse("UnknownOperationException")
	case r.Header.Get("Authorization") == "":
		refuse("MissingAuthenticationTokenException")
	case !u.signed(r, body):
		refuse("InvalidSignatureException")
	case in.UserPoolID != u.id:
		refuse("ResourceNotFoundException")
	case !known:
		refuse("UserNotFoundException")
	default:
		answer(w, http.StatusOK, map[string]any{
			"Enabled": !user.disabled, "Username": in.Username, "UserStatus": "CONFIRMED", "UserCreateDate": 1.7e9,
			"UserAttributes": []any{map[string]any{"Name": "email", "Value": "a@example.com"}, map[string]any{"Name": "sub", "Value": user.sub}},
		})
	}
}

// signed reports whether the key signed a request within five minutes: by
// signing it again.
func (u *UserPool) signed(r *http.Request, body []byte) bool {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || u.now().Sub(at).Abs() > 5*time.Minute {
		return false
	}
	again, err := http.NewRequestWithContext(context.Background(), r.Method, "http://"+r.Host+"/", strings.NewReader(string(body)))
	if err != nil {
		return false
	}
	_, list, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	for name := range strings.SplitSeq(list, ";") {
		if value := r.Header.Values(name); len(value) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = value
		}
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(context.Background(), u.key, again, hex.EncodeToString(sum[:]), "cognito-idp", u.region, at)
	return err == nil && again.Header.Get("Authorization") == r.Header.Get("Authorization")
}
