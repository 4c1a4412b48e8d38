package policy_test

import (
	"testing"

	"idpool/internal/policy"
)

const trustPool = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
	"Principal":{"Federated":"cognito-identity.amazonaws.com"},
	"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
	"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"us-east-1:7f2c9a54-0c2f-4a55-8c1e-0a2f6f0c9b11"},
		"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}]}`

// BenchmarkTrust is what an assumer does for each hand-out of credentials: the
// context of a verified token, and the trust policy of the documentation.
func BenchmarkTrust(b *testing.B) {
	d, err := policy.Parse(trustPool, policy.Trust)
	if err != nil {
		b.Fatal(err)
	}
	amr := []string{"authenticated", "login.example.com", "login.example.com:OIDC:ann"}
	b.ReportAllocs()
	for b.Loop() {
		r := policy.Request{Principal: policy.Principal{Federated: policy.Provider}, Action: "sts:AssumeRoleWithWebIdentity"}
		r.Context.Set("cognito-identity.amazonaws.com:aud", "us-east-1:7f2c9a54-0c2f-4a55-8c1e-0a2f6f0c9b11")
		r.Context.Set("cognito-identity.amazonaws.com:sub", "us-east-1:0197a0b4-5d1e-7c3a-9e0f-2b1c3d4e5f60")
		r.Context.Set("cognito-identity.amazonaws.com:amr", amr...)
		if got := policy.Evaluate(r, policy.Policy{Name: "trust", Document: d}); got.Verdict != policy.Allowed {
			b.Fatal(got)
		}
	}
}

func BenchmarkParseTrust(b *testing.B) {
	for b.Loop() {
		if _, err := policy.Parse(trustPool, policy.Trust); err != nil {
			b.Fatal(err)
		}
	}
}
