package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"idpool/internal/policy"
)

// seeds are documents that reach everything.
var seeds = []string{
	trustPool,
	in(`{"Sid":"a","Effect":"Allow","Action":["s3:Get*","s3:?et"],"Resource":["arn:aws:s3:::b/${aws:username, 'x'}/${*}*","arn:aws:sqs"]}`, `{"Effect":"Deny","NotAction":"*","NotResource":"*"}`),
	in(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringNotLikeIfExists":{"k":["a*?${k}","${?}"]},"NumericLessThan":{"k":[1,-2.5,"3e1"]},"DateEquals":{"k":["2024","1","2024-01-01T00:00:00.5+01:00"]}}}`),
	in(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"k":true},"Null":{"k":"false"},"BinaryEquals":{"k":"YQ=="},"NotIpAddress":{"k":["10.0.0.0/8","::1"]},"ForAnyValue:ArnNotEquals":{"k":"arn:aws:iam::*:user/${k}"}}}`),
	in(`{"Effect":"Allow","Principal":{"AWS":["*","111122223333","arn:aws:iam::111122223333:role/a"],"Federated":"accounts.google.com","Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole*"}`),
	`{"Version":"2008-10-17","Id":"x","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`,
	`{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}`,
	`[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`,
	`{"Statement":"\ud800"}`,
}

// FuzzParse holds that every text is either a document or refused with a text,
// the same one each time.
func FuzzParse(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []policy.Kind{policy.Identity, policy.Trust} {
			d, err := policy.Parse(text, kind)
			if err == nil {
				policy.Evaluate(policy.Request{}, policy.Policy{Document: d})
				continue
			}
			refused, ok := errors.AsType[*policy.Error](err)
			if !ok || refused.Text == "" || len(refused.Text) > 10_000 || strings.Contains(refused.Text, "%!") {
				t.Errorf("refused with %#v", err)
			}
			if _, again := policy.Parse(text, kind); again == nil || again.Error() != err.Error() {
				t.Errorf("refused with %v, then with %v", err, again)
			}
		}
	})
}

// FuzzEvaluate holds the promises of the evaluation logic for whatever parses
// and whatever is asked.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "s3:GetObject", "arn:aws:s3:::b/x/*", "aws:username", "x", "k", "2024")
	}
	f.Fuzz(func(t *testing.T, text, action, resource, key1, value1, key2, value2 string) {
		for _, kind := range []policy.Kind{policy.Identity, policy.Trust} {
			d, err := policy.Parse(text, kind)
			if err != nil {
				continue
			}
			p := policy.Policy{Name: "p", Document: d}
			r := policy.Request{Principal: policy.Principal{ARN: resource, Role: value1}, Action: action, Resource: resource}
			r.Context.Set(key1, value1)
			r.Context.Set(key2, strings.Split(value2, ",")...)
			got := policy.Evaluate(r, p)
			matched := func(effect policy.Effect) bool {
				return slices.ContainsFunc(got.Findings, func(f policy.Finding) bool { return f.Matched && f.Effect == effect })
			}
			switch {
			case matched(policy.Deny) != (got.Verdict == denied), got.Verdict != denied && matched(policy.Allow) != (got.Verdict == allowed):
				t.Errorf("%+v", got)
			case policy.Evaluate(r, p, everything("Deny", kind)).Verdict != denied:
				t.Errorf("a Deny does not win: %+v", got)
			case got.Verdict == allowed && policy.EvaluateSession(r, []policy.Policy{p}, []policy.Policy{nothingAtAll(kind)}).Verdict == allowed:
				t.Errorf("a session policy does not limit: %+v", got)
			}
		}
	})
}

func everything(effect string, kind policy.Kind) policy.Policy {
	text := in(`{"Effect":"` + effect + `","Action":"*","Resource":"*"}`)
	if kind == policy.Trust {
		text = in(`{"Effect":"` + effect + `","Principal":"*","NotAction":"sts:SetContext"}`)
	}
	d, err := policy.Parse(text, kind)
	if err != nil {
		panic(err)
	}
	return policy.Policy{Document: d}
}

// nothingAtAll allows nothing.
func nothingAtAll(kind policy.Kind) policy.Policy {
	text := in(`{"Effect":"Allow","NotAction":"*","Resource":"*"}`)
	if kind == policy.Trust {
		text = in(`{"Effect":"Allow","Principal":{"Service":"no.example.com"},"Action":"sts:AssumeRole"}`)
	}
	d, err := policy.Parse(text, kind)
	if err != nil {
		panic(err)
	}
	return policy.Policy{Document: d}
}
