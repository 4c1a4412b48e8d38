package credential

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"idpool/internal/idpool"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
)

const account = "111122223333"

func openStore(t testing.TB) (store *sqlite.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "idpool.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store, path
}

func newBroker(t testing.TB, store idpool.Store, change func(*Config)) *Broker {
	t.Helper()
	c := Config{Store: store, Keyring: keyring(t, 1), Account: account, Now: func() time.Time { return testNow }}
	if change != nil {
		change(&c)
	}
	return NewBroker(c)
}

// ensure makes the root key as a server does at its start, and returns what was
// announced.
func ensure(t testing.TB, b *Broker) (announced []RootKey) {
	t.Helper()
	err := b.EnsureRootKey(t.Context(), func(k RootKey) error {
		announced = append(announced, k)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return announced
}

// call is a request to sign.
type call struct {
	id, secret, token string
	service, region   string
	at                time.Time
	body, sent        string // signed, and sent instead
}

// sign signs with the official signer.
func (c call) sign(t testing.TB) (*http.Request, []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", "https://cognito-identity.us-east-1.amazonaws.com/", strings.NewReader(c.body))
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools")
	sum := sha256.Sum256([]byte(c.body))
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, r, hex.EncodeToString(sum[:]), c.service, c.region, c.at)
	if err != nil {
		t.Fatal(err)
	}
	return r, []byte(c.sent)
}

const (
	textInvalid  = "The security token included in the request is invalid."
	textExpired  = "The security token included in the request is expired"
	textMismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

// TestAuthenticate is who a request is from, by the key that signed it and what
// came with it (behaviour 1.4 and 1.6).
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	held := ensure(t, newBroker(t, store, nil))[0] // the key in the store
	given := RootKey{ID: "AKIAGIVENBYOPERATOR0", Secret: "the operator's secret"}
	assumed := func(b *Broker, name string) (Session, Credentials) {
		s, c, err := b.Assume(t.Context(), ByOpenID("arn:aws:iam::444455556666:role/team/app", name,
			idpool.OpenID{Identity: "us-east-1:0-1", Pool: "us-east-1:0-0", Account: account, AMR: []string{"unauthenticated"}}, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return s, c
	}
	minter := newBroker(t, store, func(c *Config) { c.RolesByName = true })
	session, temporary := assumed(minter, "web")
	otherSession, other := assumed(minter, "other")
	_, foreign := assumed(newBroker(t, store, func(c *Config) { c.RolesByName, c.Keyring = true, keyring(t, 2) }), "web")

	root := func(account, id string) idpool.Caller { return idpool.RootCaller(account, "eu-central-1", id) }
	role := idpool.Caller{Account: "444455556666", Region: "eu-central-1", ARN: "arn:aws:sts::444455556666:assumed-role/app/web",
		UserID: session.RoleID + ":web", AccessKeyID: temporary.AccessKeyID, Session: &session}
	strict := func(c *Config) { c.RootKey = &given }
	dev := func(c *Config) { c.AnyCaller, c.RolesByName = true, true }
	later := func(d time.Duration) func(*Config) {
		return func(c *Config) { c.RootKey, c.Now = &given, func() time.Time { return testNow.Add(d) } }
	}
	with := func(c Credentials) call {
		return call{id: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
	}

	for name, c := range map[string]struct {
		broker func(*Config)
		call   call
		want   idpool.Caller
		kind   idpool.Kind // if refused
		text   string
	}{
		"the key in the store":             {nil, call{id: held.ID, secret: held.Secret}, root(account, held.ID), 0, ""},
		"the key in the store, too":        {strict, call{id: held.ID, secret: held.Secret}, root(account, held.ID), 0, ""},
		"the key the operator gave":        {strict, call{id: given.ID, secret: given.Secret}, root(account, given.ID), 0, ""},
		"a key nobody gave":                {nil, call{id: given.ID, secret: given.Secret}, idpool.Caller{}, idpool.UnknownAccessKey, textInvalid},
		"an empty secret":                  {nil, call{id: held.ID, secret: " "}, idpool.Caller{}, idpool.InvalidSignature, textMismatch},
		"another secret":                   {strict, call{id: given.ID, secret: held.Secret}, idpool.Caller{}, idpool.InvalidSignature, textMismatch},
		"the key in another case":          {nil, call{id: strings.ToLower(held.ID), secret: held.Secret}, idpool.Caller{}, idpool.UnknownAccessKey, textInvalid},
		"an account for a key":             {nil, call{id: account, secret: held.Secret}, idpool.Caller{}, idpool.UnknownAccessKey, textInvalid},
		"unknown, and too old":             {nil, call{id: "AKIAUNKNOWN", secret: "x", at: testNow.Add(-time.Hour)}, idpool.Caller{}, idpool.UnknownAccessKey, textInvalid},
		"another body":                     {nil, call{id: held.ID, secret: held.Secret, body: "{}", sent: "{ }"}, idpool.Caller{}, idpool.InvalidSignature, textMismatch},
		"another service":                  {nil, call{id: held.ID, secret: held.Secret, service: "sts"}, idpool.Caller{}, idpool.InvalidSignature, "Credential should be scoped to correct service: 'cognito-identity'. "},
		"no region":                        {nil, call{id: held.ID, secret: held.Secret, region: "nowhere"}, idpool.Caller{}, idpool.InvalidSignature, "Credential should be scoped to a valid region, not 'nowhere'. "},
		"five minutes ago":                 {nil, call{id: held.ID, secret: held.Secret, at: testNow.Add(-5 * time.Minute)}, root(account, held.ID), 0, ""},
		"longer ago":                       {nil, call{id: held.ID, secret: held.Secret, at: testNow.Add(-5*time.Minute - time.Second)}, idpool.Caller{}, idpool.InvalidSignature, "Signature expired: 20150830T123059Z is now earlier than 20150830T123100Z (20150830T123600Z - 5 min.)"},
		"a session":                        {strict, with(temporary), role, 0, ""},
		"a session, almost over":           {later(time.Hour - time.Second), with(temporary), role, 0, ""},
		"a session, over":                  {later(time.Hour), with(temporary), idpool.Caller{}, idpool.ExpiredSession, textExpired},
		"a session, over, another secret":  {later(2 * time.Hour), call{id: temporary.AccessKeyID, secret: "x", token: temporary.SessionToken}, idpool.Caller{}, idpool.InvalidSignature, textMismatch},
		"a session, another secret":        {strict, call{id: temporary.AccessKeyID, secret: other.SecretAccessKey, token: temporary.SessionToken}, idpool.Caller{}, idpool.InvalidSignature, textMismatch},
		"a session without its token":      {strict, call{id: temporary.AccessKeyID, secret: temporary.SecretAccessKey}, idpool.Caller{}, idpool.UnknownAccessKey, textInvalid},
		"with another session's token":     {strict, call{id: temporary.AccessKeyID, secret: temporary.SecretAccessKey, token: other.SessionToken}, idpool.Caller{}, idpool.UnknownSession, textInvalid},
		"with another session's key":       {strict, call{id: other.AccessKeyID, secret: temporary.SecretAccessKey, token: temporary.SessionToken}, idpool.Caller{}, idpool.UnknownSession, textInvalid},
		"a session of another server":      {strict, with(foreign), idpool.Caller{}, idpool.UnknownSession, textInvalid},
		"a token that is none":             {strict, call{id: temporary.AccessKeyID, secret: temporary.SecretAccessKey, token: "FwoGZXIvYXdzEXAMPLE"}, idpool.Caller{}, idpool.UnknownSession, textInvalid},
		"a token beside a long-lived key":  {strict, call{id: given.ID, secret: given.Secret, token: temporary.SessionToken}, idpool.Caller{}, idpool.UnknownSession, textInvalid},
		"no token beside a long-lived key": {strict, call{id: held.ID, secret: held.Secret, token: "x"}, idpool.Caller{}, idpool.UnknownSession, textInvalid},

		"dev: any key":              {dev, call{id: "test", secret: "x"}, root(account, "test"), 0, ""},
		"dev: an old date":          {dev, call{id: "test", secret: "x", at: testNow.AddDate(-1, 0, 0)}, root(account, "test"), 0, ""},
		"dev: another service":      {dev, call{id: "test", secret: "x", service: "s3"}, root(account, "test"), 0, ""},
		"dev: twelve digits":        {dev, call{id: "777788889999", secret: "x"}, root("777788889999", "777788889999"), 0, ""},
		"dev: eleven digits":        {dev, call{id: "77778888999", secret: "x"}, root(account, "77778888999"), 0, ""},
		"dev: thirteen digits":      {dev, call{id: "7777888899990", secret: "x"}, root(account, "7777888899990"), 0, ""},
		"dev: a session":            {dev, with(temporary), role, 0, ""},
		"dev: a session, no secret": {dev, call{id: temporary.AccessKeyID, secret: "x", token: temporary.SessionToken}, role, 0, ""},
		"dev: any token":            {dev, call{id: "777788889999", secret: "x", token: "anything"}, root("777788889999", "777788889999"), 0, ""},
		"dev: no region":            {dev, call{id: "test", secret: "x", region: "nowhere"}, idpool.Caller{}, idpool.InvalidSignature, "Credential should be scoped to a valid region, not 'nowhere'. "},
		"dev: a session, over": {func(c *Config) { dev(c); c.Now = func() time.Time { return testNow.Add(time.Hour) } },
			with(temporary), idpool.Caller{}, idpool.ExpiredSession, textExpired},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBroker(t, store, c.broker)
			if c.call.service == "" {
				c.call.service = "cognito-identity"
			}
			if c.call.region == "" {
				c.call.region = "eu-central-1"
			}
			if c.call.at.IsZero() {
				c.call.at = b.Now()
			}
			if c.call.sent == "" {
				c.call.sent = c.call.body
			}
			r, body := c.call.sign(t)
			got, err := b.Authenticate(t.Context(), "cognito-identity", 5*time.Minute, r, body)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("the caller is %+v, want %+v", got, c.want)
			}
			if c.text == "" && err != nil {
				t.Fatal(err)
			}
			if fault, ok := errors.AsType[*idpool.Error](err); c.text != "" && (!ok || fault.Kind != c.kind || fault.Msg != c.text) {
				t.Errorf("refused as kind %d, %v; want %d, %q", idpool.KindOf(err), err, c.kind, c.text)
			}
			for _, secret := range []string{held.Secret, given.Secret, temporary.SecretAccessKey, temporary.SessionToken, otherSession.ID + "-", other.SessionToken, foreign.SessionToken} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the reason shows a secret: %v", err)
				}
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	for _, dev := range []bool{false, true} {
		b := newBroker(t, store, func(c *Config) { c.AnyCaller = dev })
		for authorization, kind := range map[string]idpool.Kind{
			"": idpool.MissingAuthentication, "Bearer x": idpool.MissingAuthentication, "AWS4-HMAC-SHA256": idpool.IncompleteSignature,
			"AWS4-HMAC-SHA256 Credential=x": idpool.IncompleteSignature, "AWS4-ECDSA-P256-SHA256 Credential=x": idpool.IncompleteSignature,
		} {
			r := httptest.NewRequest("POST", "/", nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			got, err := b.Authenticate(t.Context(), "cognito-identity", time.Minute, r, nil)
			if idpool.KindOf(err) != kind || got != (idpool.Caller{}) {
				t.Errorf("development mode %t, %q: %+v, %v", dev, authorization, got, err)
			}
		}
	}
}

// Without the store nobody is refused for a key that cannot be looked up: the
// client is to try again.
func TestAuthenticateWithoutAStore(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	given := RootKey{ID: "AKIAGIVENBYOPERATOR0", Secret: "the operator's secret"}
	b := newBroker(t, store, func(c *Config) { c.RootKey, c.RolesByName = &given, true })
	_, temporary, err := b.Assume(t.Context(), Assumption{Role: "arn:aws:iam::111122223333:role/app", Name: "web", Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	base := call{service: "sts", region: "us-east-1", at: testNow}
	for name, c := range map[string]struct {
		id, secret, token string
		want              idpool.Kind
	}{
		"a key in the store":        {"AKIAIOSFODNN7EXAMPLE", "x", "", idpool.Unavailable},
		"the key the operator gave": {given.ID, given.Secret, "", idpool.Internal},
	} {
		signed := base
		signed.id, signed.secret, signed.token = c.id, c.secret, c.token
		r, body := signed.sign(t)
		if _, err := b.Authenticate(t.Context(), "sts", time.Minute, r, body); idpool.KindOf(err) != c.want || err == nil != (c.want == idpool.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	signed := base
	signed.id, signed.secret, signed.token = temporary.AccessKeyID, temporary.SecretAccessKey, temporary.SessionToken
	r, body := signed.sign(t)
	if _, err := b.Authenticate(t.Context(), "sts", time.Minute, r, body); err != nil {
		t.Errorf("a session, which is stored nowhere: %v", err)
	}
}

var rootKeyForm = regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`)

func TestEnsureRootKey(t *testing.T) {
	t.Parallel()
	store, path := openStore(t)
	b := newBroker(t, store, nil)
	made := ensure(t, b)
	if len(made) != 1 || !rootKeyForm.MatchString(made[0].ID) || !secretForm.MatchString(made[0].Secret) {
		t.Fatalf("announced %v", made)
	}
	if raw, err := base64.StdEncoding.DecodeString(made[0].Secret); err != nil || len(raw) != 30 {
		t.Errorf("the secret has %d bytes, %v", len(raw), err)
	}
	for range 3 {
		if again := ensure(t, newBroker(t, store, nil)); len(again) != 0 {
			t.Errorf("announced again: %v", again)
		}
	}
	if given := ensure(t, newBroker(t, store, func(c *Config) { c.RootKey, c.Account = &RootKey{"AKIAX", "x"}, "444455556666" })); len(given) != 0 {
		t.Errorf("announced beside the operator's: %v", given)
	}
	if other := ensure(t, newBroker(t, store, func(c *Config) { c.Account = "444455556666" })); len(other) != 1 || other[0] == made[0] {
		t.Errorf("announced for another account: %v", other)
	}
	var files []byte
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, content...)
	}
	raw, _ := base64.StdEncoding.DecodeString(made[0].Secret)
	if !bytes.Contains(files, []byte(made[0].ID)) {
		t.Error("not even the ID is found: this looks in the wrong place")
	}
	if bytes.Contains(files, []byte(made[0].Secret)) || bytes.Contains(files, raw) {
		t.Error("the secret is in the files")
	}
	wrong := newBroker(t, store, func(c *Config) { c.Keyring = keyring(t, 2) })
	err := wrong.EnsureRootKey(t.Context(), func(k RootKey) error { t.Errorf("announced %s", k.ID); return nil })
	if !errors.Is(err, seal.ErrKeyUnknown) || !strings.Contains(err.Error(), made[0].ID) || !strings.Contains(err.Error(), "another master key") {
		t.Errorf("with another master key: %v", err)
	}
}

// Nodes that start at once on an empty store end up with one key, and it is one
// that was announced.
func TestEnsureRootKeyAtOnce(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	var mu sync.Mutex
	secrets := map[string]string{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			err := newBroker(t, store, nil).EnsureRootKey(context.Background(), func(k RootKey) error {
				mu.Lock()
				defer mu.Unlock()
				secrets[k.ID] = k.Secret
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var rows []idpool.AccessKey
	err := store.View(t.Context(), func(r idpool.Reader) (err error) {
		rows, err = r.AccessKeys(t.Context(), account)
		return err
	})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d keys, %v", len(rows), err)
	}
	key, err := newBroker(t, store, nil).accessKey(t.Context(), rows[0].ID)
	if err != nil || key.secret == "" || key.secret != secrets[rows[0].ID] || key.account != account {
		t.Errorf("the key that is kept was not announced: %v", err)
	}
}

// A key that cannot be announced is not kept.
func TestRootKeyThatNobodyLearns(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	full := errors.New("disk full")
	if err := newBroker(t, store, nil).EnsureRootKey(t.Context(), func(RootKey) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if made := ensure(t, newBroker(t, store, nil)); len(made) != 1 {
		t.Errorf("the next start announced %v", made)
	}
}

// A sealed secret is good for its own row only.
func TestMovedSecret(t *testing.T) {
	t.Parallel()
	store, _ := openStore(t)
	b := newBroker(t, store, nil)
	made := ensure(t, b)[0]
	err := store.Update(t.Context(), func(w idpool.Writer) error {
		row, err := w.AccessKey(t.Context(), made.ID)
		if err != nil {
			return err
		}
		moved := row
		moved.Account = "444455556666"
		if err := w.PutAccessKey(t.Context(), moved); err != nil {
			return err
		}
		row.ID = "AKIAOTHER"
		return w.PutAccessKey(t.Context(), row)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{made.ID, "AKIAOTHER"} {
		signed := call{id: id, secret: made.Secret, service: "sts", region: "us-east-1", at: testNow}
		r, body := signed.sign(t)
		if caller, err := b.Authenticate(t.Context(), "sts", time.Minute, r, body); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %+v, %v", id, caller, err)
		}
	}
}
