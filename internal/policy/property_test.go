package policy_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idpool/internal/policy"
)

// naiveGlob says what wildcards mean in the fewest words.
func naiveGlob(pattern, s []rune) bool {
	switch {
	case len(pattern) == 0:
		return len(s) == 0
	case pattern[0] == '*':
		return naiveGlob(pattern[1:], s) || len(s) > 0 && naiveGlob(pattern, s[1:])
	}
	return len(s) > 0 && (pattern[0] == '?' || pattern[0] == s[0]) && naiveGlob(pattern[1:], s[1:])
}

// TestGlob compares with a naive matcher.
func TestGlob(t *testing.T) {
	runes := []rune("aab*?é\u1234")
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.SliceOfN(rapid.SampledFrom(append(runes, '*', '?')), 0, 10).Draw(t, "pattern")
		s := rapid.SliceOfN(rapid.SampledFrom(runes), 0, 12).Draw(t, "text")
		if rapid.Bool().Draw(t, "alike") { // a text that the pattern was made for, often
			s = nil
			for _, r := range pattern {
				switch r {
				case '*':
					s = append(s, rapid.SliceOfN(rapid.SampledFrom(runes), 0, 3).Draw(t, "run")...)
				case '?':
					s = append(s, rapid.SampledFrom(runes).Draw(t, "one"))
				default:
					s = append(s, r)
				}
			}
		}
		if got, want := policy.Glob(string(pattern), string(s)), naiveGlob(pattern, s); got != want {
			t.Errorf("%q on %q: %v", string(pattern), string(s), got)
		}
	})
}

// TestGlobTable is where a piece can begin and end.
func TestGlobTable(t *testing.T) {
	for _, row := range []struct {
		pattern       string
		match, others []string
	}{
		{"", []string{""}, []string{"a"}},
		{"*", []string{"", "a", "é"}, nil},
		{"**", []string{"", "a"}, nil},
		{"?", []string{"a", "é", "\u1234", "*", "?"}, []string{"", "aa"}},
		{"*?", []string{"a", "é", "aé"}, []string{""}},
		{"?*", []string{"a", "é", "éa"}, []string{""}},
		{"*a?", []string{"aé", "aaé", "aaa"}, []string{"a", "é", "aéé"}},
		{"?a*", []string{"éa", "éab"}, []string{"a", "ab"}},
		{"*?a?*", []string{"éaé", "xéaéx"}, []string{"aé", "éa", "a"}},
		{"a*a", []string{"aa", "aba", "aaa"}, []string{"a", "ab"}}, // the ends do not overlap
		{"ab*ba", []string{"abba", "abxba"}, []string{"aba", "abb"}},
		{"a*b*c", []string{"abc", "axbxc", "abbcc"}, []string{"acb", "ab", "bc"}},
		{"*ab*ab*", []string{"abab", "xabxabx"}, []string{"ab", "aab"}},
		{"*aab", []string{"aab", "aaab"}, []string{"aaba"}},
		{"a*?b", []string{"axb", "aéb", "abb"}, []string{"ab"}},
	} {
		for i, s := range slices.Concat(row.match, row.others) {
			if got := policy.Glob(row.pattern, s); got != (i < len(row.match)) {
				t.Errorf("%q on %q: %v", row.pattern, s, got)
			}
		}
	}
}

// TestGlobIsFast is patterns that make a backtracking matcher run for ever, and
// a quadratic one for minutes.
func TestGlobIsFast(t *testing.T) {
	a := strings.Repeat("a", 100_000)
	for _, row := range []struct {
		pattern, text string
		want          bool
	}{
		{strings.Repeat("a*", 50_000) + "b", a, false},
		{strings.Repeat("*a", 50_000), a, true},
		{"*" + a[:50_000] + "b", a, false},
		{"*" + a[:50_000] + "*b*", a, false},
		{"*" + strings.Repeat("?", 50_000) + "*", a, true},
		{"*" + strings.Repeat("a?", 2_048) + "b*", a[:20_000], false}, // as much "?" as the parser takes
	} {
		if got := policy.Glob(row.pattern, row.text); got != row.want {
			t.Errorf("%.20q…: %v", row.pattern, got)
		}
	}
}

// small draws policies and requests over so few names that they often meet.
type small struct{ t *rapid.T }

func (d small) of(name string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.t, name)
}

func (d small) condition() string {
	operator := d.of("set", "", "", "ForAllValues:", "ForAnyValue:") + d.of("operator", "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "NumericLessThan", "NumericNotEquals", "Bool", "ArnLike", "IpAddress", "NotIpAddress") + d.of("suffix", "", "", "IfExists")
	wanted := map[string]string{"S": `["a","${k:2}"]`, "N": `5`, "B": `true`, "A": `"arn:aws:s3:::*"`, "I": `"10.0.0.0/8"`}
	base := strings.NewReplacer("ForAllValues:", "", "ForAnyValue:", "", "NotIp", "Ip").Replace(operator)
	return `{"` + operator + `":{"` + d.of("key", "k:1", "k:2", "K:3") + `":` + wanted[base[:1]] + `}}`
}

func (d small) statement(effect string) string {
	s := `{"Effect":"` + effect + `","` + d.of("not", "", "", "", "Not") + `Action":"` + d.of("action", "*", "s3:*", "s3:Get*", "s3:GetObject", "sqs:*") + `",` +
		`"` + d.of("not", "", "", "", "Not") + `Resource":["` + d.of("resource", "*", "arn:aws:s3:::a", "arn:aws:s3:::a*", "arn:aws:s3:::${k:1}", "arn:aws:sqs") + `"]`
	if rapid.Bool().Draw(d.t, "conditional") {
		s += `,"Condition":` + d.condition()
	}
	return s + `}`
}

func (d small) policies(name string) (out []policy.Policy) {
	for range rapid.IntRange(0, 3).Draw(d.t, name) {
		var statements []string
		for range rapid.IntRange(1, 3).Draw(d.t, "statements") {
			statements = append(statements, d.statement(d.of("effect", "Allow", "Allow", "Deny")))
		}
		out = append(out, d.policy(statements...))
	}
	return out
}

func (d small) policy(statements ...string) policy.Policy {
	text := in(statements...)
	doc, err := policy.Parse(text, policy.Identity)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, text)
	}
	return policy.Policy{Name: "p", Document: doc}
}

func (d small) request() policy.Request {
	r := policy.Request{Action: d.of("asked", "s3:GetObject", "s3:PutObject", "sqs:SendMessage"), Resource: d.of("on", "arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:sqs:us-east-1:111122223333:q")}
	for _, key := range []string{"k:1", "k:2", "k:3"} {
		if rapid.Bool().Draw(d.t, "has "+key) {
			r.Context.Set(key, rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "4", "true", "10.1.1.1", "arn:aws:s3:::a"}), 0, 3).Draw(d.t, key)...)
		}
	}
	return r
}

// TestEvaluationProperties are the promises of the evaluation logic, over any
// policies.
func TestEvaluationProperties(t *testing.T) {
	verdicts := map[policy.Verdict]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := small{t}
		identity, session, r := d.policies("identity"), d.policies("session"), d.request()
		got := policy.Evaluate(r, identity...)
		verdicts[got.Verdict]++

		// The verdict is what the findings say.
		says := func(effect policy.Effect) bool {
			return slices.ContainsFunc(got.Findings, func(f policy.Finding) bool { return f.Matched && f.Effect == effect })
		}
		want := nothing
		if says(policy.Deny) {
			want = denied
		} else if says(policy.Allow) {
			want = allowed
		}
		if got.Verdict != want {
			t.Errorf("verdict %s of findings %+v", got.Verdict, got.Findings)
		}
		for _, f := range got.Findings {
			if f.Matched == (f.Failed != "") || (f.Failed == policy.ConditionPart) != (f.Condition.Operator != "") {
				t.Errorf("a finding that contradicts itself: %+v", f)
			}
		}

		// Order does not matter.
		shuffled := rapid.Permutation(identity).Draw(t, "shuffled")
		if again := policy.Evaluate(r, shuffled...); again.Verdict != got.Verdict {
			t.Errorf("%s, in another order %s", got.Verdict, again.Verdict)
		}

		// A Deny wins from anywhere.
		deny := d.policy(`{"Effect":"Deny","Action":"` + r.Action + `","Resource":"` + r.Resource + `"}`)
		at := rapid.IntRange(0, len(identity)).Draw(t, "at")
		if v := policy.Evaluate(r, slices.Insert(slices.Clone(identity), at, deny)...).Verdict; v != denied {
			t.Errorf("with a Deny at %d: %s", at, v)
		}
		if v := policy.EvaluateSession(r, identity, append(slices.Clone(session), deny)).Verdict; v != denied {
			t.Errorf("with a Deny in the session: %s", v)
		}

		// One more Allow takes nothing away, one more Deny gives nothing.
		more := d.policy(d.statement("Allow"))
		if v := policy.Evaluate(r, append(slices.Clone(identity), more)...).Verdict; got.Verdict == allowed && v != allowed || got.Verdict == denied && v != denied {
			t.Errorf("%s, with another Allow %s", got.Verdict, v)
		}
		less := d.policy(d.statement("Deny"))
		if v := policy.Evaluate(r, append(slices.Clone(identity), less)...).Verdict; got.Verdict != allowed && v == allowed {
			t.Errorf("%s, with another Deny %s", got.Verdict, v)
		}

		// A session policy only narrows: what results is allowed by both.
		effective := policy.EvaluateSession(r, identity, session)
		limit := policy.Evaluate(r, session...)
		if len(session) == 0 {
			limit.Verdict = allowed
		}
		if both := got.Verdict == allowed && limit.Verdict == allowed; (effective.Verdict == allowed) != both {
			t.Errorf("identity %s, session %s: %s", got.Verdict, limit.Verdict, effective.Verdict)
		}
		if either := got.Verdict == denied || limit.Verdict == denied; (effective.Verdict == denied) != either {
			t.Errorf("identity %s, session %s: %s", got.Verdict, limit.Verdict, effective.Verdict)
		}
		if effective.Limited != (effective.Verdict == nothing && got.Verdict == allowed) {
			t.Errorf("limited: %+v", effective)
		}
		if v := policy.EvaluateSession(r, identity, append(slices.Clone(session), more)).Verdict; len(session) > 0 && effective.Verdict == allowed && v != allowed {
			t.Errorf("allowed, with another Allow in the session %s", v)
		}
	})
	for _, v := range []policy.Verdict{allowed, denied, nothing} {
		if verdicts[v] == 0 {
			t.Errorf("no request came out as %s: %v", v, verdicts)
		}
	}
}

// TestSetOperatorProperties are the set operators, over any sets.
func TestSetOperatorProperties(t *testing.T) {
	some := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		wanted, found := some.Draw(t, "wanted"), some.Draw(t, "found")
		list := "[]"
		if len(wanted) > 0 {
			list = quote(wanted)
		}
		fits := func(s string) bool { return slices.Contains(wanted, s) }
		misfits := func(s string) bool { return !fits(s) }
		for operator, want := range map[string]bool{
			"StringEquals":                 slices.ContainsFunc(found, fits),
			"StringNotEquals":              !slices.ContainsFunc(found, fits),
			"ForAllValues:StringEquals":    !slices.ContainsFunc(found, misfits),
			"ForAnyValue:StringEquals":     slices.ContainsFunc(found, fits),
			"ForAllValues:StringNotEquals": !slices.ContainsFunc(found, fits),
			"ForAnyValue:StringNotEquals":  slices.ContainsFunc(found, misfits),
		} {
			doc, err := policy.Parse(in(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"`+operator+`":{"k:k":`+list+`}}}`), policy.Identity)
			if err != nil {
				t.Fatal(err)
			}
			var r policy.Request
			r.Context.Set("k:k", found...)
			if got := policy.Evaluate(r, policy.Policy{Document: doc}).Verdict == allowed; got != want {
				t.Errorf("%s %q, found %q: %v", operator, wanted, found, got)
			}
		}
	})
}

// TestVariablesAreText holds that no value of a variable reaches beyond itself.
func TestVariablesAreText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?${}:/'é")), 1, 12, -1).Draw(t, "value")
		name := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?${}:/'é")), 1, 12, -1).Draw(t, "name")
		doc, err := policy.Parse(in(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${k:k}/x"}`), policy.Identity)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{name, value} {
			r := policy.Request{Resource: "arn:aws:s3:::b/" + name + "/x"}
			r.Context.Set("k:k", value)
			if got := policy.Evaluate(r, policy.Policy{Document: doc}).Verdict == allowed; got != (name == value) {
				t.Errorf("value %q, resource %q: %v", value, r.Resource, got)
			}
		}
	})
}
