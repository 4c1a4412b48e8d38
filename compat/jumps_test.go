package compat

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"idpool/idpooltest"
	"idpool/internal/login/logintest"
)

// TestClockJumps sets the server's clock forward and back, by hours and by days.
// Whoever was known is known, nobody is two, what is handed out begins now and
// lives as long as ever, and what has ended by the clock is refused, however
// often it was taken before.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	c := newClock()
	now := c.now
	h := newHost(t, true, idpooltest.Clock(now))
	s := h.site(t)
	root, err := s.root.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := func(key aws.Credentials) clients { return s.at(now, key) }
	pool := s.pool(t)
	login := func(who string) map[string]string {
		return s.one.login(who, logintest.Claim("iat", now().Unix()), logintest.Claim("exp", now().Unix()+3600))
	}
	const hour, day = time.Hour, 24 * time.Hour
	ann := s.id(t, pool, login("ann"))
	seen := map[string]bool{ann: true}
	// given is something that was handed out, and is asked about again.
	type given struct {
		what string
		end  int64
		take func() error
	}
	var before []given
	for n, jump := range []time.Duration{0, hour, -hour, day, -day, 0, 2 * day, -2 * day, 365 * day, -365 * day, 10 * time.Minute, 0} {
		c.jump(jump)
		for _, g := range before {
			if err := g.take(); err == nil && now().Unix() >= g.end {
				t.Errorf("at %s: %s is taken, which ended %d s ago", jump, g.what, now().Unix()-g.end)
			} else if err != nil && strings.Contains(err.Error(), "Internal") {
				t.Errorf("at %s: %s: %v", jump, g.what, err)
			}
		}
		mine := login("ann")
		if again := s.id(t, pool, mine); again != ann {
			t.Errorf("at %s: ann was %s, and is %s", jump, ann, again)
		}
		for _, id := range []string{s.id(t, pool, login(fmt.Sprint("new ", n))), s.id(t, pool, login(fmt.Sprint("also new ", n)))} {
			if seen[id] {
				t.Errorf("at %s: %s is two people", jump, id)
			}
			seen[id] = true
		}
		if n%3 == 1 {
			if _, err := h.RotateKey(); err != nil {
				t.Errorf("at %s: rotate: %v", jump, err)
			}
		}
		classic, err := s.cognito.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &ann, Logins: mine})
		if err != nil {
			t.Fatalf("at %s: %v", jump, err)
		}
		_, payload, _ := strings.Cut(*classic.Token, ".")
		payload, _, _ = strings.Cut(payload, ".")
		text, _ := base64.RawURLEncoding.DecodeString(payload)
		var times struct{ Iat, Exp int64 }
		if err := json.Unmarshal(text, &times); err != nil || times.Iat != now().Unix() || times.Exp != times.Iat+600 {
			t.Errorf("at %s: a token is from %d to %d, and it is %d; %v", jump, times.Iat, times.Exp, now().Unix(), err)
		}
		assume := func() error {
			_, err := as(root).sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(s.role("people")), RoleSessionName: aws.String("app"), WebIdentityToken: classic.Token})
			return err
		}
		minted, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &ann, Logins: mine})
		if err != nil {
			t.Fatalf("at %s: %v", jump, err)
		}
		if life := minted.Credentials.Expiration.Unix() - now().Unix(); life != 3600 {
			t.Errorf("at %s: a session lives for %d s", jump, life)
		}
		session := as(fromCognito(minted.Credentials))
		whoAmI := func() error {
			_, err := session.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		}
		signIn := func() error {
			_, err := s.cognito.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: mine})
			return err
		}
		for _, g := range []given{{"a token", times.Exp, assume}, {"a session", minted.Credentials.Expiration.Unix(), whoAmI},
			{"a login", now().Unix() + 3600 + 60, signIn}} { // with a minute of grace
			if err := g.take(); err != nil {
				t.Errorf("at %s: %s is refused: %v", jump, g.what, err)
			}
			before = append(before, g)
		}
	}
}
