package node_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"idpool/idpooltest"
)

// BenchmarkReturning is somebody who comes back, in the enhanced flow: with
// -memprofile it says where the memory of a request goes.
func BenchmarkReturning(b *testing.B) {
	srv := idpooltest.New(b)
	ask := func(op, body string) string {
		r, err := http.NewRequest(http.MethodPost, srv.URL, bytes.NewReader([]byte(body)))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AWSCognitoIdentityService."+op)
		if op == "CreateIdentityPool" || op == "SetIdentityPoolRoles" {
			r.Header.Set("X-Amz-Date", time.Now().UTC().Format("20060102T150405Z"))
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=any/"+time.Now().UTC().Format("20060102")+"/us-east-1/cognito-identity/aws4_request, SignedHeaders=host, Signature="+string(bytes.Repeat([]byte("0"), 64)))
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: status %d: %s %v", op, resp.StatusCode, text, err)
		}
		return string(text)
	}
	between := func(text, before string) string {
		_, rest, _ := bytes.Cut([]byte(text), []byte(before))
		value, _, _ := bytes.Cut(rest, []byte(`"`))
		return string(value)
	}
	made := ask("CreateIdentityPool", `{"IdentityPoolName":"p","AllowUnauthenticatedIdentities":false,"OpenIdConnectProviderARNs":["arn:aws:iam::000000000000:oidc-provider/`+srv.Provider()+`"]}`)
	pool := between(made, `"IdentityPoolId":"`)
	ask("SetIdentityPoolRoles", `{"IdentityPoolId":"`+pool+`","Roles":{"authenticated":"arn:aws:iam::000000000000:role/app"}}`)
	logins := `"Logins":{"` + srv.Provider() + `":"` + srv.Token("ann", "web") + `"}`
	id := between(ask("GetId", `{"IdentityPoolId":"`+pool+`",`+logins+`}`), `"IdentityId":"`)
	for _, c := range []struct{ op, body string }{{"GetId", `{"IdentityPoolId":"` + pool + `",` + logins + `}`}, {"GetCredentialsForIdentity", `{"IdentityId":"` + id + `",` + logins + `}`}} {
		b.Run(c.op, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask(c.op, c.body)
			}
		})
	}
}
