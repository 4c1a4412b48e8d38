package iam_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"idpool/internal/api/iam"
	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/policy"
	"idpool/internal/seal"
	"idpool/internal/store/sqlite"
	"idpool/internal/wire"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

// testNow is when everything happens.
var testNow = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

// world is the service behind a real HTTP server, on a real store.
type world struct {
	url     string
	store   idpool.Store
	service *iam.Service
	root    client // of account
	foreign client // root of other

	mu     sync.Mutex
	events []wire.Event
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	keyring, err := seal.New(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return testNow }
	broker := func(account string) *credential.Broker {
		return credential.NewBroker(credential.Config{Store: store, Keyring: keyring, Account: account, Now: now})
	}
	w := &world{store: store}
	w.service = &iam.Service{Store: store, Directory: idpool.NewDirectory(store), Broker: broker(account), Paging: keyring.Box("paging tokens"), Limits: limit.New(limit.Config{}, now), Now: now}
	handler := &wire.Handler{Services: []*wire.Service{w.service.Wire()}, Now: now, Observe: func(_ context.Context, ev *wire.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, *ev)
	}}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	w.url = server.URL
	for account, c := range map[string]*client{account: &w.root, other: &w.foreign} {
		err := broker(account).EnsureRootKey(t.Context(), func(k credential.RootKey) error { *c = client{w, k.ID, k.Secret, ""}; return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// update writes to the store beside the service.
func (w *world) update(t testing.TB, fn func(idpool.Writer) error) {
	t.Helper()
	if err := w.store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// client is somebody with an access key.
type client struct {
	world             *world
	id, secret, token string
}

// answer is what a request came to.
type answer struct {
	status    int
	body      string
	code, msg string // of a failure
}

// call sends a signed request. The form may hold {names}, which stand for the
// documents of that name, or for the values in the map.
func (c client) call(t testing.TB, op, form string, values ...map[string]string) answer {
	t.Helper()
	form = "Action=" + op + "&Version=2010-05-08&" + fill(form, values...)
	r, err := http.NewRequestWithContext(t.Context(), "POST", c.world.url, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret, SessionToken: c.token}, r, hex.EncodeToString(sum[:]), "iam", "us-east-1", testNow); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, body: string(body)}
	if a.status != 200 {
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := xml.Unmarshal(body, &e); err != nil {
			t.Fatalf("%s: %d %s", op, a.status, body)
		}
		a.code, a.msg = e.Error.Code, e.Error.Message
	}
	return a
}

// must is call where nothing may fail.
func (c client) must(t testing.TB, op, form string, values ...map[string]string) answer {
	t.Helper()
	a := c.call(t, op, form, values...)
	if a.status != 200 {
		t.Fatalf("%s %s: %s", op, form, a)
	}
	return a
}

// String is a failure in one line.
func (a answer) String() string {
	if a.status == 200 {
		return ""
	}
	return fmt.Sprintf("%d %s: %s", a.status, a.code, a.msg)
}

var between = regexp.MustCompile(`>\n *<`)

// flat is the body without the white space between elements.
func (a answer) flat() string { return between.ReplaceAllString(a.body, "><") }

// all are the texts of every element of that name, in order.
func (a answer) all(name string) (texts []string) {
	for _, m := range regexp.MustCompile("<"+name+">([^<]*)</"+name+">").FindAllStringSubmatch(a.body, -1) {
		texts = append(texts, m[1])
	}
	return texts
}

// one is the text of the only element of that name; empty if there is none.
func (a answer) one(name string) string {
	if all := a.all(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

// user makes a user with a key, and with a policy if the text is not empty.
func (w *world) user(t testing.TB, name, policy string) client {
	t.Helper()
	w.root.must(t, "CreateUser", "UserName="+name)
	if policy != "" {
		w.root.must(t, "PutUserPolicy", "UserName="+name+"&PolicyName=p&PolicyDocument={doc}", map[string]string{"doc": policy})
	}
	key := w.root.must(t, "CreateAccessKey", "UserName="+name)
	return client{w, key.one("AccessKeyId"), key.one("SecretAccessKey"), ""}
}

// assume becomes a role, if it trusts the account.
func (w *world) assume(t testing.TB, role string) (credential.Session, credential.Credentials, error) {
	return w.service.Broker.Assume(t.Context(), credential.Assumption{
		Role: "arn:aws:iam::" + account + ":role/" + role, Name: "session", Action: "sts:AssumeRole", Duration: time.Hour,
		Principal: policy.Principal{ARN: idpool.RootARN(account)},
	})
}

// session becomes a role, which trusts the account.
func (w *world) session(t testing.TB, role string) client {
	t.Helper()
	_, c, err := w.assume(t, role)
	if err != nil {
		t.Fatal(err)
	}
	return client{w, c.AccessKeyID, c.SecretAccessKey, c.SessionToken}
}

// documents are what {names} in a form stand for.
var documents = map[string]string{
	"trust":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:0-0"}}}]}`,
	"trust2": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`,
	"doc":    `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}]}`,
	"doc2":   `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`,
	// Of exactly the characters that fit, white space not counted.
	"trust2048":  pad(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}],"Id":"%s"}`, 2048),
	"trust2049":  pad(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}],"Id":"%s"}`, 2049),
	"doc2048":    pad(identityDocument, 2048),
	"doc2049":    pad(identityDocument, 2049),
	"doc6144":    pad(identityDocument, 6144),
	"doc6145":    pad(identityDocument, 6145),
	"doc10240":   pad(identityDocument, 10_240),
	"doc10241":   pad(identityDocument, 10_241),
	"metadata":   keycloak(),
	"metadata2":  strings.Replace(keycloak(), "<md:EntityDescriptor ", `<md:EntityDescriptor validUntil="2030-01-02T03:04:05Z" `, 1),
	"doctype":    "<!DOCTYPE x>" + keycloak(),
	"thumbprint": strings.Repeat("0a", 20),
	"space":      " \t\r\n",
	"long64":     strings.Repeat("a", 64),
	"long65":     strings.Repeat("a", 65),
	"long129":    strings.Repeat("a", 129),
	"long256":    strings.Repeat("a", 256),
	"long1001":   strings.Repeat("a", 1001),
	"path512":    "/" + strings.Repeat("a", 510) + "/",
	"path513":    "/" + strings.Repeat("a", 511) + "/",
}

const identityDocument = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}],"Id":"%s"}`

// pad makes a document of so many characters, and white space beside them.
func pad(form string, size int) string {
	text := fmt.Sprintf(form, strings.Repeat("x", size-len(form)+len("%s")))
	return strings.ReplaceAll(text, `,"`, ",\r\n\t \"")
}

func keycloak() string {
	text, err := os.ReadFile("../../saml/testdata/keycloak.xml")
	if err != nil {
		panic(err)
	}
	return string(text)
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// fill puts values into a form.
func fill(form string, values ...map[string]string) string {
	return placeholder.ReplaceAllStringFunc(form, func(name string) string {
		name = strings.Trim(name, "{}")
		for _, m := range append(values, documents) {
			if text, ok := m[name]; ok {
				return url.QueryEscape(text)
			}
		}
		panic("there is no document " + name)
	})
}
