package compat

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

var rotateFor = flag.Duration("rotation", 3*time.Second, "how long people sign in while keys change; the server's clock runs twenty times as fast")

// TestRotation has 64 clients sign people in while their issuer changes its key
// again and again, and so do we. No valid login is refused, no token of ours, and
// none is taken of a key that was retired or withdrawn.
func TestRotation(t *testing.T) {
	t.Parallel()
	const speed = 20
	began := time.Now()
	clock := func() time.Time { return began.Add(speed * time.Since(began)) }
	people := logintest.NewIssuer(t, logintest.WithClock(clock))
	server := idpooltest.New(t, idpooltest.Clock(clock))
	transport := &http.Transport{MaxIdleConnsPerHost: 64, ReadBufferSize: 64 << 10}
	t.Cleanup(transport.CloseIdleConnections)
	c := (&host{Server: server}).clients(region, credentials.NewStaticCredentialsProvider("any", "any", ""), transport)
	pool, err := c.cognito.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("pool"),
		OpenIdConnectProviderARNs: []string{"arn:aws:iam::" + idpooltest.Account + ":oidc-provider/" + people.Name()}})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(token string) (ours string, err error) {
		logins := map[string]string{people.Name(): token}
		id, err := c.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: pool.IdentityPoolId, Logins: logins})
		if err != nil {
			return "", fmt.Errorf("a valid login is refused: %w", err)
		}
		out, err := c.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: id.IdentityId, Logins: logins})
		if err != nil {
			return "", fmt.Errorf("a valid login is refused: %w", err)
		}
		return *out.Token, nil
	}
	assume := func(ours string) error {
		_, err := c.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::" + idpooltest.Account + ":role/people"), RoleSessionName: aws.String("app"), WebIdentityToken: &ours})
		return err
	}

	var signIns atomic.Int64
	var kids sync.Map // of our keys → a token
	done := make(chan struct{})
	var all sync.WaitGroup
	for client := range 64 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				ours, err := signIn(people.Token(fmt.Sprint("person ", client, " ", n%8)))
				if err == nil {
					err = assume(ours)
				}
				if err != nil {
					t.Error(err)
					return
				}
				kids.Store(keyOf(t, ours), ours)
				signIns.Add(1)
			}
		})
	}
	// The issuer publishes a key and signs with it at once, so that the first
	// token is of a key that nobody has seen. We fetch the set for the sake of an
	// unknown key every ten seconds at most: it must leave us that long.
	rotations, theirs := 0, people.Key()
	for end := time.Now().Add(*rotateFor); time.Now().Before(end); rotations++ {
		theirs = people.Key()
		people.Rotate("ES256")
		if _, err := server.RotateKey(); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Second / speed)
	}
	close(done)
	all.Wait()

	ids := 0
	kids.Range(func(any, any) bool { ids++; return true })
	t.Logf("%d people signed in while the issuer's key changed %d times, and ours to %d keys", signIns.Load(), rotations, ids)
	if signIns.Load() == 0 || rotations < 2 || ids < 2 {
		t.Error("hardly anything happened")
	}

	// A key of ours that is retired is refused within a second of our clock, one
	// that the issuer withdrew when its key set is fetched next.
	signing, err := signIn(people.Token("ann"))
	if err != nil {
		t.Fatal(err)
	}
	kids.Range(func(id, token any) bool {
		if id == keyOf(t, signing) {
			return true
		}
		if err := server.RetireKey(id.(string)); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second / speed)
		if assume(token.(string)) == nil {
			t.Errorf("a token of %s is taken, which is retired", id)
		}
		return true
	})
	if err := assume(signing); err != nil {
		t.Errorf("a token of the key that signs: %v", err)
	}
	seen, fresh := people.Token("ann", logintest.SignedWith(theirs)), people.Token("bob", logintest.SignedWith(theirs))
	if _, err := signIn(seen); err != nil {
		t.Errorf("the issuer's last key but one: %v", err)
	}
	people.Withdraw(theirs)
	people.Rotate("ES256")
	time.Sleep(11 * time.Second / speed)
	if _, err := signIn(people.Token("carol")); err != nil { // for her the key set is fetched again
		t.Error(err)
	}
	for _, token := range []string{seen, fresh} {
		if _, err := signIn(token); err == nil {
			t.Error("a token of a key is taken that the issuer withdrew")
		}
	}
}

// keyOf is the key that a token names.
func keyOf(t *testing.T, token string) string {
	head, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	var header struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		t.Error(err)
	}
	return header.Kid
}
