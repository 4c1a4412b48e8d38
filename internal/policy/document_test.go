package policy_test

import (
	"strings"
	"testing"

	"idpool/internal/policy"
)

func TestUnion(t *testing.T) {
	parse := func(text string) *policy.Document {
		t.Helper()
		d, err := policy.Parse(text, policy.Identity)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	read := parse(`{"Version":"2012-10-17","Statement":{"Sid":"One","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:userid}/*"}}`)
	write := parse(` {"Statement" : [ {"Sid":"One","Effect":"Allow","Action":"s3:PutObject","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::secret/*"}], "Version":"2012-10-17"}`)
	text, err := policy.Union(read, write)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Version":"2012-10-17","Statement":[` +
		`{"Action":"s3:GetObject","Effect":"Allow","Resource":"arn:aws:s3:::${aws:userid}/*"},` +
		`{"Action":"s3:PutObject","Effect":"Allow","Resource":"*"},` +
		`{"Action":"s3:*","Effect":"Deny","Resource":"arn:aws:s3:::secret/*"}]}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	parse(text)
	if text, err := policy.Union(); text != "" || err != nil {
		t.Errorf("of none: %q, %v", text, err)
	}
	old := parse(strings.ReplaceAll(want, "2012-10-17", "2008-10-17"))
	if text, err := policy.Union(read, old); err == nil {
		t.Errorf("of different versions: %s", text)
	}
}
