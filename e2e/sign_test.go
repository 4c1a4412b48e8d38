package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// rootKey is one of our own choice, which a server takes from its environment.
var rootKey = aws.Credentials{AccessKeyID: "AKIAROOTROOTROOTROOT", SecretAccessKey: "a secret of our own choice"}

// strict starts a server that verifies signatures and has that root key.
func strict(t testing.TB, bin string, flags ...string) *node {
	t.Helper()
	env := []string{"IDPOOL_ROOT_ACCESS_KEY_ID=" + rootKey.AccessKeyID, "IDPOOL_ROOT_SECRET_ACCESS_KEY=" + rootKey.SecretAccessKey}
	return serveWith(t, env, bin, t.TempDir(), flags...)
}

// asks calls an operation of Cognito Identity with a key, without the help of
// any client.
func (n *node) asks(t testing.TB, key aws.Credentials, op string, in, out any) error {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityService." + op}}
	return call(n.url, op, in, n.signed(t, key, "cognito-identity", header, string(body)), out)
}

// asksIAM calls an operation of IAM with a key, given as a form without the
// version.
func (n *node) asksIAM(t testing.TB, key aws.Credentials, form string) (answer string, err error) {
	t.Helper()
	form += "&Version=2010-05-08"
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	status, answer, err := post(n.url, "", form, n.signed(t, key, "iam", header, form))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %s", form, status, answer)
	}
	return answer, err
}

// signed adds to the header what signs a request.
func (n *node) signed(t testing.TB, key aws.Credentials, service string, header http.Header, body string) http.Header {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(fmt.Errorf("sign: %w", err))
	}
	return r.Header
}
