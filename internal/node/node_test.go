package node_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/login/logintest"
	"idpool/internal/login/oidc"
	"idpool/internal/node"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
)

const account = "111122223333"

// lines is a log that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// world is a running node with a log of every level, and everything secret
// that went into it or came out.
type world struct {
	t          *testing.T
	url, admin string
	store      idpool.Store
	root       credential.RootKey
	log        *lines
	requests   int // that are worth an event
	now        func() time.Time
	secrets    map[string]string
}

func keyring(t *testing.T, b byte) *seal.Keyring {
	t.Helper()
	ring, err := seal.New(bytes.Repeat([]byte{b}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func openStore(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// start runs a node on a store until stop is called.
func start(t *testing.T, store idpool.Store, change func(*node.Config)) (w *world, stop func()) {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	api, admin := listen(), listen()
	w = &world{t: t, store: store, url: "http://" + api.Addr().String(), admin: "http://" + admin.Addr().String(), log: &lines{}, secrets: map[string]string{},
		root: credential.RootKey{ID: "AKIAROOTKEYOFTHETEST", Secret: "root-secret-wJalrXUtnFEMI/K7MDENG"}}
	w.secrets["the root's secret"] = w.root.Secret
	c := node.Config{
		Store: store, Keyring: keyring(t, 1), Issuer: w.url, Region: "us-east-1", Account: account, RootKey: &w.root, Now: time.Now,
		OIDC: oidc.Config{AllowHTTP: true, AllowCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		Log:  slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	change(&c)
	w.now = c.Now
	n, err := node.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served, idle := make(chan error, 1), make(chan struct{})
	go func() { served <- n.Serve(ctx, api, admin) }()
	go func() { n.Background(ctx); close(idle) }()
	return w, sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		<-idle
	})
}

// credentials sign a request; the zero value signs none.
type credentials struct{ id, secret, token string }

// send sends a request and reads the answer.
func (w *world) send(method, query, kind, target, body string, c credentials) (status int, answer string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.url+"/"+query, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	service := "sts"
	if target != "" {
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+target)
		service = "cognito-identity"
	}
	if c.id != "" {
		sum := sha256.Sum256([]byte(body))
		err := v4.NewSigner().SignHTTP(w.t.Context(), aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, r, hex.EncodeToString(sum[:]), service, "us-east-1", w.now())
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) (status int, answer string) {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.URL.Path == "/" {
		w.requests++
	}
	if resp.StatusCode >= 400 {
		w.wantNoSecret("the answer to a "+r.Header.Get("X-Amz-Target")+" request", fmt.Sprint(resp.Header)+string(text))
	}
	return resp.StatusCode, string(text)
}

// cognito calls an operation; its answer must have the status, and is read into
// out.
func (w *world) cognito(op string, c credentials, status int, in, out any) {
	w.t.Helper()
	body, ok := in.(string)
	if !ok {
		b, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = string(b)
	}
	got, answer := w.send("POST", "", "application/x-amz-json-1.1", op, body, c)
	if got != status {
		w.t.Errorf("%s %.100s: status %d, %s", op, body, got, answer)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			w.t.Errorf("%s: %s: %v", op, answer, err)
		}
	}
}

// sts calls an operation of the STS with a form. Its answer must have the status;
// 0 is any.
func (w *world) sts(c credentials, status int, fields ...string) (answer string) {
	w.t.Helper()
	form := url.Values{"Version": {"2011-06-15"}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	got, answer := w.send("POST", "", "application/x-www-form-urlencoded", "", form.Encode(), c)
	if got != status && status != 0 {
		w.t.Errorf("%s: status %d, %s", fields[1], got, answer)
	}
	return answer
}

// secret remembers a text that must not be seen again, and returns it.
func (w *world) secret(name, text string) string {
	w.secrets[name] = text
	return text
}

// wantNoSecret wants none of the secrets, and no telling part of a token, in a
// text.
func (w *world) wantNoSecret(where, text string) {
	w.t.Helper()
	text = strings.ToLower(text)
	for name, secret := range w.secrets {
		parts := append(strings.Split(strings.ToLower(secret), "."), strings.ToLower(secret))
		for _, part := range parts[len(parts)/4:] { // the header of a token is no secret
			if len(part) >= 16 && (strings.Contains(text, part) || strings.Contains(text, strings.ToLower(url.QueryEscape(part)))) {
				w.t.Errorf("%s shows %s: %.40s…", where, name, part)
			}
		}
	}
}

// events are the lines about requests.
func (w *world) events() (events []map[string]any) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
		if event["msg"] == "request" {
			events = append(events, event)
		}
	}
	return events
}

// TestNoSecretLeaves sends a mixed load with known tokens and secrets, right
// ones, wrong ones and misplaced ones, and looks for them in the log of every
// level, in the answers that refuse and in the metrics.
func TestNoSecretLeaves(t *testing.T) {
	for _, dev := range []bool{true, false} {
		t.Run(fmt.Sprintf("development mode %t", dev), func(t *testing.T) {
			t.Parallel()
			store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
			defer store.Close()
			w, stop := start(t, store, func(c *node.Config) { c.Dev, c.RolesByName = dev, true })
			defer stop()
			mixedLoad(t, w, dev)
			_, metrics := w.do(mustRequest(t, w.admin+"/metrics"))
			w.wantNoSecret("the metrics", metrics)
			stop()
			w.wantNoSecret("the log", w.log.String())
			events := w.events()
			if len(events) != w.requests || len(events) < 60 {
				t.Errorf("%d events for %d requests", len(events), w.requests)
			}
			seen := map[string]bool{}
			for _, event := range events {
				id, _ := event["request"].(string)
				if len(id) != 36 || seen[id] {
					t.Errorf("the request ID %q stands in two events, or is none", id)
				}
				seen[id] = true
			}
			if len(w.secrets) < 20 || !strings.Contains(w.log.String(), `"identity":"us-east-1:`) {
				t.Errorf("%d secrets: this tested nothing", len(w.secrets))
			}
		})
	}
}

func mustRequest(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mixedLoad(t *testing.T, w *world, dev bool) {
	type m = map[string]any
	root := credentials{w.root.ID, w.root.Secret, ""}
	issuer := logintest.NewIssuer(t)
	foreign := logintest.NewIssuer(t)
	arn := idpool.ProviderARN(account, issuer.Name())
	create := url.Values{"Action": {"CreateOpenIDConnectProvider"}, "Version": {"2010-05-08"}, "Url": {issuer.URL}, "ClientIDList.member.1": {"app"}}
	w.send("POST", "", "application/x-www-form-urlencoded", "", create.Encode(), root) // a strict IAM takes no plain http; see below
	if !dev {
		trust(t, w, issuer)
	}
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	w.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true, "OpenIdConnectProviderARNs": []string{arn}, "DeveloperProviderName": "dev"}, &pool)
	w.cognito("SetIdentityPoolRoles", root, 200, m{"IdentityPoolId": pool.ID, "Roles": m{"authenticated": "arn:aws:iam::" + account + ":role/app", "unauthenticated": "arn:aws:iam::" + account + ":role/guest"}}, nil)

	good := w.secret("a good token", issuer.Token("ann"))
	bad := map[string]string{
		"an expired token":          issuer.Token("ann", logintest.ExpiresIn(-time.Hour)),
		"a token for another app":   issuer.Token("ann", logintest.Audience("other")),
		"a token of another issuer": foreign.Token("ann"),
		"a forged token":            issuer.Token("ann", logintest.SignedWith(logintest.NewKey(t, "ES256"))),
		"a forged token, our kid":   issuer.Token("ann", logintest.SignedWith(logintest.NewKey(t, "ES256")), logintest.Header("kid", issuer.Key().ID)),
		"an unsigned token":         issuer.Token("ann", logintest.Header("alg", "none"), logintest.Signature(func([]byte) []byte { return nil })),
		"a token without a subject": issuer.Token("", logintest.Without("sub")),
		"a token to come":           issuer.Token("ann", logintest.Claim("nbf", time.Now().Add(time.Hour).Unix())),
		"a token with extras":       issuer.Token("ann", logintest.Header("crit", []string{"secret-in-crit-0123456789"})),
		"no token":                  "opaque-secret-without-any-dots-0123456789",
		"a token with a line break": "opaque-secret\nwith-a-line-break-0123456789",
		"a huge token":              "huge-secret-" + strings.Repeat("0123456789abcdef", 4000),
	}
	var ann, guest struct {
		ID string `json:"IdentityId"`
	}
	logins := func(token string) m { return m{issuer.Name(): token} }
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID, "Logins": logins(good)}, &ann)
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, &guest)
	for name, token := range bad {
		w.secret(name, token)
		w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": logins(token)}, nil)
		w.cognito("GetCredentialsForIdentity", credentials{}, 400, m{"IdentityId": ann.ID, "Logins": logins(token)}, nil)
		// In development mode the STS takes any issuer, for any application.
		w.sts(credentials{}, map[bool]int{true: 0, false: 400}[dev], "Action", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::"+account+":role/app", "RoleSessionName", "web", "WebIdentityToken", token)
	}

	// What comes out.
	type minted struct {
		Credentials struct{ AccessKeyID, SecretKey, SessionToken string }
	}
	for name, in := range map[string]m{"the guest's": {"IdentityId": guest.ID}, "Ann's": {"IdentityId": ann.ID, "Logins": logins(good)}} {
		var open struct{ Token string }
		w.cognito("GetOpenIdToken", credentials{}, 200, in, &open)
		own := w.secret(name+" OpenID token", open.Token)
		var out minted
		w.cognito("GetCredentialsForIdentity", credentials{}, 200, in, &out)
		c := credentials{out.Credentials.AccessKeyID, w.secret(name+" secret key", out.Credentials.SecretKey), w.secret(name+" session token", out.Credentials.SessionToken)}
		if c.id == "" || c.secret == "" || c.token == "" || own == "" {
			t.Fatalf("%s: %+v, %q", name, c, own)
		}
		w.sts(c, 200, "Action", "GetCallerIdentity")
		w.sts(credentials{c.id, "another-secret-0123456789", c.token}, map[bool]int{true: 200, false: 403}[dev], "Action", "GetCallerIdentity")
		w.sts(credentials{w.root.ID, w.root.Secret, c.token}, map[bool]int{true: 200, false: 403}[dev], "Action", "GetCallerIdentity")
		answer := w.sts(credentials{}, 200, "Action", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::"+account+":role/app", "RoleSessionName", "web", "WebIdentityToken", own)
		var assumed struct {
			Secret string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
			Token  string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
		}
		if err := xml.Unmarshal([]byte(answer), &assumed); err != nil || assumed.Secret == "" {
			t.Fatalf("%s: %v", answer, err)
		}
		w.secret(name+" assumed secret key", assumed.Secret)
		w.secret(name+" assumed session token", assumed.Token)
		// In the address, where proxies would log it; we do not.
		w.send("GET", "?Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::"+account+":role/app&RoleSessionName=web&WebIdentityToken="+url.QueryEscape(own), "", "", "", credentials{})
		w.send("GET", "?Action=Nothing&Version=2011-06-15&WebIdentityToken="+url.QueryEscape(own), "", "", "", credentials{})
		w.send("GET", "?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token="+url.QueryEscape(c.token), "", "", "", credentials{})
		// Where it does not belong.
		w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": m{"cognito-identity.amazonaws.com": own}}, nil)
		w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": logins(own)}, nil)
		w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": m{"dev": own}}, nil)
		w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": m{"unknown.example.com": own}}, nil)
	}
	var developer struct {
		ID    string `json:"IdentityId"`
		Token string
	}
	w.cognito("GetOpenIdTokenForDeveloperIdentity", root, 200, m{"IdentityPoolId": pool.ID, "Logins": m{"dev": "user-1", issuer.Name(): good}}, &developer)
	w.secret("a developer's token", developer.Token)
	w.cognito("GetOpenIdTokenForDeveloperIdentity", root, 400, m{"IdentityPoolId": pool.ID, "Logins": m{"dev": "user-1", issuer.Name(): bad["a forged token"]}}, nil)

	// Requests that are wrong in other ways, with a token in them.
	quoted := `"` + good + `"`
	for _, body := range []string{
		`{"IdentityPoolId":"` + pool.ID + `","Logins":{"p":` + quoted, // cut off
		`{"IdentityPoolId":"` + pool.ID + `","Logins":` + quoted + `}`,
		`{"IdentityPoolId":"` + pool.ID + `","Logins":[` + quoted + `]}`,
		`{"IdentityPoolId":"` + pool.ID + `","Logins":{"p":[` + quoted + `]}}`,
		`{"IdentityPoolId":"` + pool.ID + `","Logins":{"p":{"t":` + quoted + `}}}`,
		`{"IdentityPoolId":"` + pool.ID + `","Logins":{"":` + quoted + `}}`,
		`{"IdentityPoolId":"` + pool.ID + `","Logins":{"p":` + quoted + `,"p":` + quoted + `}}`,
		`{"IdentityPoolId":"us-east-1:0-0","Logins":{"p":` + quoted + `}}`,
		`{"IdentityPoolId":"NO POOL","Logins":{"p":` + quoted + `,"q":""}}`,
		`{"Logins":{"p":` + quoted + `}}`,
		quoted, `[` + quoted + `]`, good,
	} {
		w.cognito("GetId", credentials{}, 400, body, nil)
	}
	w.cognito("Nothing", credentials{}, 400, m{"Logins": logins(good)}, nil)
	w.cognito("UnlinkIdentity", credentials{}, 400, m{"IdentityId": guest.ID, "Logins": logins(good), "LoginsToRemove": []string{"x"}}, nil)
	w.cognito("ListIdentityPools", credentials{"AKIAUNKNOWN", w.secret("a secret nobody gave", "unknown-secret-0123456789"), ""}, map[bool]int{true: 200, false: 400}[dev], m{"MaxResults": 1}, nil)
	for _, authorization := range []string{"Bearer " + good, good, "Basic " + w.root.Secret} {
		r, err := http.NewRequest("POST", w.url+"/", strings.NewReader(`{"MaxResults":1}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService.ListIdentityPools")
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", "session="+good)
		if status, answer := w.do(r); status != 400 {
			t.Errorf("status %d, %s", status, answer)
		}
	}
	// An issuer that is down, or lies, while a good token is shown.
	issuer.Answer(logintest.KeySet, logintest.Status(500))
	issuer.Rotate("ES256")
	w.cognito("GetId", credentials{}, 400, m{"IdentityPoolId": pool.ID, "Logins": logins(w.secret("a token of a new key", issuer.Token("ann")))}, nil)
}

// trust registers an issuer that lives on loopback, which IAM takes over https
// only, in the store.
func trust(t *testing.T, w *world, issuer *logintest.Issuer) {
	t.Helper()
	p := idpool.OIDCProvider{Account: account, Name: issuer.Name(), URL: issuer.URL, ClientIDs: []string{"app"}, Created: time.Now()}
	err := w.store.Update(t.Context(), func(wr idpool.Writer) error { return wr.PutOIDCProvider(t.Context(), p) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestRestart: what a node made another one goes on with, on the same store and
// master key.
func TestRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "idpool.db")
	type m = map[string]any
	issuerURL := func(c *node.Config) { c.Issuer, c.RolesByName = "http://pool.example.com", true }
	store := openStore(t, path)
	w, stop := start(t, store, issuerURL)
	root := credentials{w.root.ID, w.root.Secret, ""}
	var pool struct {
		ID string `json:"IdentityPoolId"`
	}
	var guest struct {
		ID    string `json:"IdentityId"`
		Token string
	}
	var out struct {
		Credentials struct{ AccessKeyID, SecretKey, SessionToken string }
	}
	w.cognito("CreateIdentityPool", root, 200, m{"IdentityPoolName": "p", "AllowUnauthenticatedIdentities": true}, &pool)
	w.cognito("SetIdentityPoolRoles", root, 200, m{"IdentityPoolId": pool.ID, "Roles": m{"unauthenticated": "arn:aws:iam::" + account + ":role/guest"}}, nil)
	w.cognito("GetId", credentials{}, 200, m{"IdentityPoolId": pool.ID}, &guest)
	w.cognito("GetOpenIdToken", credentials{}, 200, m{"IdentityId": guest.ID}, &guest)
	w.cognito("GetCredentialsForIdentity", credentials{}, 200, m{"IdentityId": guest.ID}, &out)
	_, keys := w.do(mustRequest(t, w.url+"/.well-known/jwks.json"))
	stop()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openStore(t, path)
	defer store.Close()
	w, stop = start(t, store, issuerURL)
	defer stop()
	if _, after := w.do(mustRequest(t, w.url+"/.well-known/jwks.json")); after != keys {
		t.Errorf("the keys became %s", after)
	}
	w.sts(credentials{}, 200, "Action", "AssumeRoleWithWebIdentity", "RoleArn", "arn:aws:iam::"+account+":role/app", "RoleSessionName", "web", "WebIdentityToken", guest.Token)
	w.sts(credentials{out.Credentials.AccessKeyID, out.Credentials.SecretKey, out.Credentials.SessionToken}, 200, "Action", "GetCallerIdentity")
	w.cognito("DescribeIdentity", root, 200, m{"IdentityId": guest.ID}, nil)

	_, err := node.New(t.Context(), node.Config{Store: store, Keyring: keyring(t, 2), Issuer: w.url, Region: "us-east-1", Account: account,
		Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if !errors.Is(err, seal.ErrKeyUnknown) || !strings.Contains(err.Error(), "us-east-11") {
		t.Errorf("with another master key: %v", err)
	}
}

// TestModes: what development mode opens is closed otherwise.
func TestModes(t *testing.T) {
	t.Parallel()
	for _, dev := range []bool{true, false} {
		store := openStore(t, filepath.Join(t.TempDir(), "idpool.db"))
		defer store.Close()
		w, stop := start(t, store, func(c *node.Config) { c.Dev = dev })
		defer stop()
		want := func(what string, status, ifDev, ifNot int) {
			t.Helper()
			if expected := map[bool]int{true: ifDev, false: ifNot}[dev]; status != expected {
				t.Errorf("development mode %t: %s: status %d, want %d", dev, what, status, expected)
			}
		}
		for _, path := range []string{"/dev/jwks", "/dev/.well-known/openid-configuration"} {
			status, _ := w.do(mustRequest(t, w.url+path))
			want(path, status, 200, 404)
		}
		resp, err := http.Post(w.url+"/dev/token", "application/json", strings.NewReader(`{"sub":"alice"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want("/dev/token", resp.StatusCode, 200, 404)
		status, _ := w.send("POST", "", "application/x-amz-json-1.1", "ListIdentityPools", `{"MaxResults":1}`, credentials{"anybody", "x", ""})
		want("a key of nobody", status, 200, 400)
		status, _ = w.send("POST", "", "application/x-amz-json-1.1", "ListIdentityPools", `{"MaxResults":1}`, credentials{w.root.ID, w.root.Secret, ""})
		want("the root's key", status, 200, 200)
		status, _ = w.send("POST", "", "application/x-amz-json-1.1", "ListIdentityPools", `{"MaxResults":1}`, credentials{})
		want("no signature", status, 400, 400)
	}
}
