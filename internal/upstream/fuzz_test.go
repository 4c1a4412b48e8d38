package upstream

import (
	"strings"
	"testing"
	"time"
)

// Whatever a server answers, what is taken for credentials is whole and good for
// a while, and no refusal tells the token that was presented.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>B</SecretAccessKey><SessionToken>C</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></R>`))
	f.Add([]byte(`<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`))
	f.Add([]byte(`<Error><Code>ValidationError</Code><Message>&#39;header.claims.signature&#x27; is too long</Message></Error>`))
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>`))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := readAnswer(body, now)
		if err == nil && (c.AccessKeyID == "" || c.SecretAccessKey == "" || c.SessionToken == "" || !c.Expiration.After(now)) {
			t.Errorf("taken for credentials: %+v", c)
		}
		const token = "header.claims.signature"
		if told := (&STS{}).refusal(400, body, token).Error(); strings.Contains(told, token) {
			t.Errorf("the error tells the token: %s", told)
		}
	})
}
