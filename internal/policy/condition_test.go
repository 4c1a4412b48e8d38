package policy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"idpool/internal/policy"
)

// keys are condition keys with their values: a string, or a list.
type keys map[string]any

func (k keys) context() (c policy.Context) {
	for key, v := range k {
		switch v := v.(type) {
		case string:
			c.Set(key, v)
		case []string:
			c.Set(key, v...)
		}
	}
	return c
}

// met evaluates one Condition element.
func met(t testing.TB, condition string, context keys) bool {
	t.Helper()
	d := parse(t, in(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":`+condition+`}`), policy.Identity)
	r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key", Context: context.context()}
	return policy.Evaluate(r, policy.Policy{Document: d}).Verdict == policy.Allowed
}

func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestComparisons is every operator with one value wanted and one found.
func TestComparisons(t *testing.T) {
	for _, row := range []struct {
		operator, wanted string
		matches, others  []string // values found
	}{
		{"StringEquals", "red", []string{"red"}, []string{"Red", "redder", " red", "", "re", "*", "re\u0301d"}},
		{"StringEquals", "r*d", []string{"r*d"}, []string{"red", "rd"}},
		{"StringEquals", "r?d", []string{"r?d"}, []string{"red"}},
		{"StringEquals", "", []string{""}, []string{"a", " "}},
		{"StringEquals", "é", []string{"é"}, []string{"e\u0301", "É"}},
		{"StringEqualsIgnoreCase", "Red", []string{"red", "RED", "Red"}, []string{"redder", "", "r*d"}},
		{"StringEqualsIgnoreCase", "r*d", []string{"R*D"}, []string{"red"}},
		{"StringEqualsIgnoreCase", "É", []string{"é"}, []string{"e"}},
		{"StringLike", "red", []string{"red"}, []string{"Red", "redder"}},
		{"StringLike", "r*d", []string{"rd", "red", "r*d", "read", "rdd"}, []string{"re", "ed", "Red", "reds"}},
		{"StringLike", "r?d", []string{"red", "r?d", "r*d", "réd"}, []string{"rd", "read"}},
		{"StringLike", "*", []string{"", "a", "*"}, nil},
		{"StringLike", "?*", []string{"a", "ab"}, []string{""}},
		{"StringLike", "", []string{""}, []string{"a"}},
		{"StringLike", "home/*/x", []string{"home//x", "home/a/b/x"}, []string{"home/x", "home/a/b"}},
		{"StringLike", "${*}", []string{"*"}, []string{"", "a"}},
		{"StringLike", "a${?}", []string{"a?"}, []string{"ab"}},
		{"StringLike", "a${$}{b}", []string{"a${b}"}, []string{"a"}},
		{"StringLike", "arn:aws:someservice:*:111122223333:finance/*", []string{"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}, nil},

		{"NumericEquals", "5", []string{"5", "5.0", "+5", "05", "50e-1", "0.5e1"}, []string{"6", "-5", "five", "", "5 ", "5,0", "0x5"}},
		{"NumericEquals", "0.1", []string{"0.1", "0.10"}, []string{"0.1000000000000000055511151231257827", "0"}},
		{"NumericEquals", "9007199254740993", []string{"9007199254740993"}, []string{"9007199254740992"}}, // more than a float64 tells apart
		{"NumericLessThan", "5", []string{"4", "-10", "4.999"}, []string{"5", "6", "x", ""}},
		{"NumericLessThanEquals", "10", []string{"10", "9", "-1"}, []string{"11", "10.1", "x"}},
		{"NumericGreaterThan", "5", []string{"6", "5.01", "10"}, []string{"5", "4", "x"}},
		{"NumericGreaterThanEquals", "5", []string{"5", "6"}, []string{"4", "-5", "x"}},

		{"DateEquals", "2024-01-01T00:00:00Z", []string{"2024-01-01T00:00:00Z", "1704067200", "2024-01-01", "2024", "2024-01", "2024-01-01T01:00:00+01:00", "2024-01-01T00:00Z", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00"}, []string{"2024-01-01T00:00:01Z", "1704067201", "yesterday", ""}},
		{"DateEquals", "1704067200", []string{"2024-01-01T00:00:00Z"}, []string{"2024-01-01T00:00:00.5Z"}},
		{"DateLessThan", "2020-01-01T00:00:01Z", []string{"2020-01-01T00:00:00Z", "0", "-5", "1999"}, []string{"2020-01-01T00:00:01Z", "2021", "x"}},
		{"DateLessThanEquals", "2020-01-01T00:00:01Z", []string{"2020-01-01T00:00:01Z", "2019-12-31"}, []string{"2020-01-01T00:00:02Z", "x"}},
		{"DateGreaterThan", "2020-01-01T00:00:01Z", []string{"2020-01-01T00:00:02Z", "1700000000"}, []string{"2020-01-01T00:00:01Z", "2020-01-01T00:00:01+00:00", "1000000000", "x"}},
		{"DateGreaterThanEquals", "2020-01-01T00:00:01Z", []string{"2020-01-01T00:00:01Z", "2020-01-01T00:00:02Z"}, []string{"2020-01-01T00:00:00Z", "x"}},

		{"Bool", "false", []string{"false", "False", "FALSE"}, []string{"true", "0", "no", ""}},
		{"Bool", "true", []string{"true", "TRUE"}, []string{"false", "1", "yes", ""}},

		{"BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", []string{"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, []string{"ASIAIOSFODNN7EXAMPLE", "BinaryValueInBase64", "", "QmluYXJ5VmFsdWVJbkJhc2U2NA==x", "qmluYXJ5VmFsdWVJbkJhc2U2NA=="}},

		{"IpAddress", "203.0.113.0/24", []string{"203.0.113.0", "203.0.113.1", "203.0.113.255", "::ffff:203.0.113.7"}, []string{"198.51.100.1", "203.0.114.0", "2001:db8::1", "x", "", "203.0.113.0/24"}},
		{"IpAddress", "203.0.113.77/24", []string{"203.0.113.1"}, []string{"203.0.114.1"}},
		{"IpAddress", "203.0.113.7", []string{"203.0.113.7"}, []string{"203.0.113.8"}},
		{"IpAddress", "0.0.0.0/0", []string{"1.2.3.4"}, []string{"::1"}},
		{"IpAddress", "2001:DB8:1234:5678::/64", []string{"2001:db8:1234:5678::1"}, []string{"2001:db8:1234:5679::1", "203.0.113.7"}},
		{"IpAddress", "2001:db8::1", []string{"2001:db8:0:0::1"}, []string{"2001:db8::2"}},
		{"IpAddress", "::ffff:10.0.0.1", []string{"10.0.0.1"}, []string{"10.0.0.2"}},

		{"ArnLike", "arn:aws:sns:us-west-2:123456789012:TOPIC-ID", []string{"arn:aws:sns:us-west-2:123456789012:TOPIC-ID"}, []string{"arn:aws:sns:us-west-2:777788889999:TOPIC-ID", "arn:aws:sns:us-west-2:123456789012:topic-id", "arn:aws:sns:us-west-2:123456789012", "", "x"}},
		{"ArnLike", "arn:aws:someservice:*:111122223333:finance/*", []string{"arn:aws:someservice:us-east-2:111122223333:finance/a", "arn:aws:someservice::111122223333:finance/a:b"}, []string{"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}},
		{"ArnLike", "arn:aws:iam::*:role/a?c", []string{"arn:aws:iam::1:role/abc"}, []string{"arn:aws:iam::1:role/ac", "arn:aws:iam::1:2:role/abc"}},
		{"ArnLike", "*", []string{"arn:aws:iam::1:role/x", "a:b:c:d:e:f"}, []string{"x", "", "arn:aws:iam::1"}},
		{"ArnLike", "arn:aws:iam::1", nil, []string{"arn:aws:iam::1", "arn:aws:iam::1:", "arn:aws:iam::1:x"}},
		{"ArnLike", "arn:aws:iam:*:1}:x", []string{"arn:aws:iam:${a:1}:x"}, nil}, // nothing found is a variable
		{"ArnLike", "arn:*", nil, []string{"arn:aws:iam::1:role/x", "arn:*"}},
	} {
		names, negated := []string{row.operator}, ""
		switch row.operator {
		case "StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals", "DateEquals":
			negated = strings.NewReplacer("String", "StringNot", "Numeric", "NumericNot", "Date", "DateNot").Replace(row.operator)
		case "IpAddress":
			negated = "NotIpAddress"
		case "ArnLike": // ArnEquals is the same
			names, negated = append(names, "ArnEquals"), "ArnNotLike"
		}
		for _, found := range slices.Concat(row.matches, row.others) {
			want := slices.Contains(row.matches, found)
			for _, name := range names {
				if got := met(t, `{"`+name+`":{"k:k":`+quote(row.wanted)+`}}`, keys{"k:k": found}); got != want {
					t.Errorf("%s %q, found %q: %v", name, row.wanted, found, got)
				}
			}
			if negated == "" {
				continue
			}
			for _, name := range []string{negated, strings.Replace(negated, "Like", "Equals", len(names)-1)} {
				if got := met(t, `{"`+name+`":{"k:k":`+quote(row.wanted)+`}}`, keys{"k:k": found}); got == want {
					t.Errorf("%s %q, found %q: %v", name, row.wanted, found, got)
				}
			}
		}
	}
}

// sample is a value that each operator can compare with.
func sample(operator string) string {
	switch {
	case strings.Contains(operator, "Numeric"), strings.Contains(operator, "Date"):
		return "7"
	case strings.Contains(operator, "Bool"), operator == "Null":
		return "true"
	case strings.Contains(operator, "Binary"):
		return "YQ=="
	case strings.Contains(operator, "Ip"):
		return "10.0.0.0/8"
	case strings.Contains(operator, "Arn"):
		return "arn:aws:iam::1:role/x"
	}
	return "red"
}

// TestAbsentKeys is what every operator does with a key that is absent, has no
// values, or an empty one.
func TestAbsentKeys(t *testing.T) {
	states := map[string]keys{"absent": {}, "no values": {"k:k": []string{}}, "empty": {"k:k": ""}}
	if n := len(policy.Operators()); n != 27 {
		t.Fatalf("%d operators", n)
	}
	for _, operator := range slices.Sorted(maps.Keys(policy.Operators())) {
		negated := policy.Operators()[operator]
		if operator == "Null" {
			continue
		}
		for state, context := range states {
			for form, want := range map[string]bool{
				"%s":                      negated,
				"%sIfExists":              negated || state == "absent",
				"ForAllValues:%s":         true,
				"ForAllValues:%sIfExists": true,
				"ForAnyValue:%s":          false,
				"ForAnyValue:%sIfExists":  state == "absent",
			} {
				name := fmt.Sprintf(form, operator)
				if got := met(t, `{"`+name+`":{"k:k":"`+sample(operator)+`"}}`, context); got != want {
					t.Errorf("%s, key %s: %v", name, state, got)
				}
			}
		}
	}
	for _, row := range []struct {
		wanted string
		null   bool // met if the key is null
		there  bool // met if it is not
	}{
		{`"true"`, true, false}, {`true`, true, false}, {`"TRUE"`, true, false}, {`"false"`, false, true}, {`false`, false, true}, {`["true","false"]`, true, true}, {`[]`, false, false},
	} {
		for state, context := range states {
			if got := met(t, `{"Null":{"k:k":`+row.wanted+`}}`, context); got != row.null {
				t.Errorf("Null %s, key %s: %v", row.wanted, state, got)
			}
		}
		for _, found := range []any{"x", []string{"", "x"}} {
			if got := met(t, `{"Null":{"k:k":`+row.wanted+`}}`, keys{"k:k": found}); got != row.there {
				t.Errorf("Null %s, found %q: %v", row.wanted, found, got)
			}
		}
	}
}

// TestSetOperators is several values found, several wanted.
func TestSetOperators(t *testing.T) {
	list := func(s ...string) []string { return s }
	for _, row := range []struct {
		operator       string
		wanted         []string
		matches, other [][]string
	}{
		{"StringEquals", list("a", "b"), [][]string{{"a"}, {"b"}, {"a", "c"}}, [][]string{{"c"}, {"c", "d"}}},
		{"StringNotEquals", list("a", "b"), [][]string{{"c"}, {"c", "d"}}, [][]string{{"a"}, {"b"}, {"a", "c"}}},
		{"ForAllValues:StringEquals", list("a", "b"), [][]string{{"a"}, {"a", "b"}, {"b", "b"}}, [][]string{{"c"}, {"a", "c"}, {"a", "b", "c"}, {"a", ""}}},
		{"ForAnyValue:StringEquals", list("a", "b"), [][]string{{"a"}, {"c", "b"}, {"", "a"}}, [][]string{{"c"}, {"c", "d"}}},
		{"ForAllValues:StringNotEquals", list("a", "b"), [][]string{{"c"}, {"c", "d"}}, [][]string{{"a"}, {"a", "c"}, {"a", "b"}}},
		{"ForAnyValue:StringNotEquals", list("a", "b"), [][]string{{"c"}, {"a", "c"}}, [][]string{{"a"}, {"a", "b"}}},
		{"ForAllValues:StringLike", list("a*", "b"), [][]string{{"a"}, {"ab", "b"}}, [][]string{{"bb"}, {"a", "bb"}}},
		{"ForAnyValue:StringLike", list("auth*"), [][]string{{"authenticated"}, {"x", "authenticated"}}, [][]string{{"unauthenticated"}}},
		{"ForAllValues:StringNotLike", list("a*"), [][]string{{"b"}, {"b", "c"}}, [][]string{{"a"}, {"b", "ab"}}},
		{"ForAnyValue:StringNotLike", list("a*"), [][]string{{"b"}, {"a", "b"}}, [][]string{{"a"}, {"a", "ab"}}},
		{"ForAllValues:StringEqualsIgnoreCase", list("A"), [][]string{{"a", "A"}}, [][]string{{"a", "b"}}},
		{"ForAnyValue:StringNotEqualsIgnoreCase", list("A"), [][]string{{"a", "b"}}, [][]string{{"a", "A"}}},
		{"ForAllValues:Bool", list("true"), [][]string{{"true", "True"}}, [][]string{{"true", "false"}}},
		{"ForAnyValue:Bool", list("true"), [][]string{{"false", "true"}}, [][]string{{"false"}}},
		{"ForAllValues:NumericLessThan", list("5"), [][]string{{"1", "4"}}, [][]string{{"1", "5"}}},
		{"ForAnyValue:NumericNotEquals", list("5", "6"), [][]string{{"5", "7"}}, [][]string{{"5", "6"}}},
		{"ForAllValues:DateGreaterThan", list("2020"), [][]string{{"2021", "2022"}}, [][]string{{"2021", "2019"}}},
		{"ForAllValues:IpAddress", list("10.0.0.0/8", "192.168.0.0/16"), [][]string{{"10.1.1.1", "192.168.1.1"}}, [][]string{{"10.1.1.1", "11.1.1.1"}}},
		{"ForAnyValue:NotIpAddress", list("10.0.0.0/8"), [][]string{{"10.1.1.1", "11.1.1.1"}}, [][]string{{"10.1.1.1"}}},
		{"ForAllValues:ArnLike", list("arn:aws:cloudfront::123456789012:distribution/c*", "arn:aws:cloudfront::123456789012:distribution/support*"),
			[][]string{{"arn:aws:cloudfront::123456789012:distribution/costcenter"}, {"arn:aws:cloudfront::123456789012:distribution/costcenter", "arn:aws:cloudfront::123456789012:distribution/support2025"}},
			[][]string{{"arn:aws:cloudfront::123456789012:distribution/costcenter", "arn:aws:cloudfront::123456789012:distribution/admin"}, {"arn:aws:cloudfront::777788889999:distribution/costcenter"}}},
		{"ForAnyValue:ArnNotEquals", list("arn:aws:iam::1:role/*"), [][]string{{"arn:aws:iam::1:role/x", "arn:aws:iam::2:role/x"}}, [][]string{{"arn:aws:iam::1:role/x"}}},
		{"ForAllValues:BinaryEquals", list("YQ=="), [][]string{{"YQ==", "YQ=="}}, [][]string{{"YQ==", "Yg=="}}},
		{"StringEquals", list(), nil, [][]string{{"a"}}}, // nothing equals one of none
		{"StringNotEquals", list(), [][]string{{"a"}}, nil},
		{"ForAllValues:StringEquals", list(), nil, [][]string{{"a"}}},
		{"ForAnyValue:StringNotEquals", list(), [][]string{{"a"}}, nil},
	} {
		for i, found := range slices.Concat(row.matches, row.other) {
			want := i < len(row.matches)
			for _, suffix := range []string{"", "IfExists"} { // the key is there
				wanted := quote(row.wanted)
				if row.wanted == nil {
					wanted = "[]"
				}
				if got := met(t, `{"`+row.operator+suffix+`":{"k:k":`+wanted+`}}`, keys{"k:k": found}); got != want {
					t.Errorf("%s%s %q, found %q: %v", row.operator, suffix, row.wanted, found, got)
				}
			}
		}
	}
}

// TestConditionBlocks is several operators and keys in one element, with the
// examples of the guide.
func TestConditionBlocks(t *testing.T) {
	const tagging = `{"StringEqualsIgnoreCase":{"aws:RequestTag/environment":["preprod","storage"]},"ForAnyValue:StringEquals":{"aws:TagKeys":"environment"}}`
	const home = `{"StringLike":{"s3:prefix":["","home/","home/${aws:username}/"]}}`
	const instance = `{"StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*","m3.*"]}}`
	for _, row := range []struct {
		condition string
		context   keys
		want      bool
	}{
		{`{}`, nil, true},
		{`{"StringEquals":{}}`, nil, true},
		{`{"StringEquals":{"a":"1","b":"2"}}`, keys{"a": "1", "b": "2"}, true},
		{`{"StringEquals":{"a":"1","b":"2"}}`, keys{"a": "1", "b": "x"}, false},
		{`{"StringEquals":{"a":"1","b":"2"}}`, keys{"a": "1"}, false},
		{`{"StringEquals":{"a":"1"},"NumericLessThan":{"b":2}}`, keys{"a": "1", "b": "1"}, true},
		{`{"StringEquals":{"a":"1"},"NumericLessThan":{"b":2}}`, keys{"a": "1", "b": "2"}, false},
		{`{"StringEquals":{"a":"1"},"StringNotEquals":{"a":"1"}}`, keys{"a": "1"}, false},
		{`{"StringLike":{"a":"x*"},"StringNotLike":{"a":"xy*"}}`, keys{"a": "xz"}, true},
		{`{"StringLike":{"a":"x*"},"StringNotLike":{"a":"xy*"}}`, keys{"a": "xyz"}, false},
		{`{"StringEquals":{"AWS:PrincipalTag/Team":"red"}}`, keys{"aws:principaltag/team": "red"}, true}, // keys ignore case
		{`{"StringEquals":{"aws:principaltag/team":"red"}}`, keys{"aws:PrincipalTag/TEAM": "red"}, true},
		{`{"StringEquals":{"a":"Red"}}`, keys{"A": "red"}, false}, // values do not
		{`{"StringEquals":{"a":"1","A":"1"}}`, keys{"a": "1"}, true},
		{`{"StringEquals":{"a":"1","A":"2"}}`, keys{"a": "1"}, false},
		{`{"StringEquals":{"a":5}}`, keys{"a": "5"}, true},
		{`{"StringEquals":{"a":true}}`, keys{"a": "true"}, true},
		{`{"NumericEquals":{"a":1e3}}`, keys{"a": "1000"}, true},
		{`{"DateEquals":{"a":1704067200}}`, keys{"a": "2024-01-01T00:00:00Z"}, true},
		{`{"ForAllValues:StringEquals":{"a":"x"},"Null":{"a":"false"}}`, keys{"a": "x"}, true},
		{`{"ForAllValues:StringEquals":{"a":"x"},"Null":{"a":"false"}}`, nil, false},
		{`{"ForAllValues:StringEquals":{"a":"x"},"Null":{"a":"false"}}`, keys{"a": ""}, false},

		{tagging, keys{"aws:TagKeys": []string{"environment"}, "aws:RequestTag/environment": "preprod"}, true},
		{tagging, keys{"aws:TagKeys": []string{"environment", "costcenter"}, "aws:RequestTag/environment": "PreProd"}, true},
		{tagging, keys{"aws:TagKeys": []string{"Environment"}, "aws:RequestTag/Environment": "preprod"}, false},
		{tagging, keys{"aws:TagKeys": []string{"costcenter"}, "aws:RequestTag/environment": "preprod"}, false},
		{tagging, keys{"aws:RequestTag/environment": "storage"}, false},
		{tagging, keys{"aws:TagKeys": []string{"environment"}}, false},
		{tagging, nil, false},
		{home, keys{"aws:username": "martha", "s3:prefix": "home/martha/"}, true},
		{home, keys{"aws:username": "martha", "s3:prefix": "home/"}, true},
		{home, keys{"aws:username": "martha", "s3:prefix": ""}, true},
		{home, keys{"aws:username": "martha", "s3:prefix": "home/nikki/"}, false},
		{home, keys{"s3:prefix": "home/"}, false}, // a variable without value voids the comparison
		{instance, keys{"ec2:InstanceType": "t1.micro"}, true},
		{instance, keys{"ec2:InstanceType": "m2.micro"}, false},
		{instance, nil, true},
		{`{"Bool":{"aws:SecureTransport":"false"}}`, keys{"aws:SecureTransport": "false"}, true},
		{`{"Bool":{"aws:SecureTransport":"false"}}`, nil, false},
		{`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, nil, true},
	} {
		if got := met(t, row.condition, row.context); got != row.want {
			t.Errorf("%s with %v: %v", row.condition, row.context, got)
		}
	}
}

// TestVariables is what policy variables become, in Resource and in Condition.
func TestVariables(t *testing.T) {
	const sub = "us-east-1:0197a0b4-5d1e-7c3a-9e0f-2b1c3d4e5f60"
	for _, row := range []struct {
		pattern string // behind "arn:aws:s3:::"
		context keys
		matches []string
		others  []string
	}{
		{"b/${cognito-identity.amazonaws.com:sub}/*", keys{"cognito-identity.amazonaws.com:sub": sub}, []string{"b/" + sub + "/x"}, []string{"b/" + sub, "b/other/x", "b/${cognito-identity.amazonaws.com:sub}/x"}},
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "red"}, []string{"b/red"}, []string{"b/blue", "b/"}},
		{"b/${AWS:principaltag/TEAM}", keys{"aws:PrincipalTag/team": "Red"}, []string{"b/Red"}, []string{"b/red"}},
		{"${aws:PrincipalTag/a}-${aws:PrincipalTag/b}-*", keys{"aws:PrincipalTag/a": "x", "aws:PrincipalTag/b": "y"}, []string{"x-y-", "x-y-z"}, []string{"x-y", "x--z"}},
		{"b/${aws:PrincipalTag/team}/${aws:PrincipalTag/none}", keys{"aws:PrincipalTag/team": "red"}, nil, []string{"b/red/", "b/red/${aws:PrincipalTag/none}", "b//"}},

		// What a variable brings in is text.
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "*"}, []string{"b/*"}, []string{"b/red", "b/"}},
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "r?d"}, []string{"b/r?d"}, []string{"b/red"}},
		{"b/${aws:PrincipalTag/team}/*", keys{"aws:PrincipalTag/team": "*"}, []string{"b/*/x"}, []string{"b/red/x"}},
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "${aws:username}", "aws:username": "ann"}, []string{"b/${aws:username}"}, []string{"b/ann"}},
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "${*}"}, []string{"b/${*}"}, []string{"b/*", "b/x"}},
		{"b/${aws:PrincipalTag/a}${aws:PrincipalTag/b}", keys{"aws:PrincipalTag/a": "$", "aws:PrincipalTag/b": "{*}"}, []string{"b/${*}"}, []string{"b/*", "b/x"}},
		{"b/${aws:PrincipalTag/team}/x", keys{"aws:PrincipalTag/team": "a/b"}, []string{"b/a/b/x"}, []string{"b/a/x"}},
		{"b/${aws:PrincipalTag/team}", keys{"aws:PrincipalTag/team": "\xff"}, nil, []string{"b/x", "b/\xff"}}, // no text at all

		// No value: absent, empty, several.
		{"b/${aws:PrincipalTag/team}*", keys{"aws:PrincipalTag/team": ""}, nil, []string{"b/", "b/x"}},
		{"b/${aws:TagKeys}", keys{"aws:TagKeys": []string{"a", "b"}}, nil, []string{"b/a", "b/b", "b/"}},
		{"b/${aws:TagKeys}", keys{"aws:TagKeys": []string{"a"}}, []string{"b/a"}, nil},
		{"b/${aws:TagKeys}", keys{"aws:TagKeys": []string{}}, nil, []string{"b/"}},

		// A default stands in for no value. It is text too.
		{"b-${aws:PrincipalTag/team, 'company-wide'}", keys{"aws:PrincipalTag/team": "yellow"}, []string{"b-yellow"}, []string{"b-company-wide"}},
		{"b-${aws:PrincipalTag/team, 'company-wide'}", nil, []string{"b-company-wide"}, []string{"b-yellow", "b-"}},
		{"b-${aws:PrincipalTag/team,'x'}", keys{"aws:PrincipalTag/team": ""}, []string{"b-x"}, []string{"b-"}},
		{"b-${aws:PrincipalTag/team, '*'}", nil, []string{"b-*"}, []string{"b-x"}},
		{"b-${aws:PrincipalTag/team, 'a, b'}", nil, []string{"b-a, b"}, []string{"b-a"}},
		{"b-${aws:PrincipalTag/team, 'it's'}", nil, []string{"b-it's"}, nil},
		{"b-${aws:PrincipalTag/team, ''}", nil, []string{"b-"}, []string{"b-x"}},
		{"b-${aws:TagKeys, 'x'}", keys{"aws:TagKeys": []string{"a", "b"}}, nil, []string{"b-x", "b-a"}},
		{"b-${aws:a, 'x'}-${aws:b}", nil, nil, []string{"b-x-", "b-x-${aws:b}"}},

		// Escapes.
		{"b/${*}", nil, []string{"b/*"}, []string{"b/x", "b/"}},
		{"b/${?}", nil, []string{"b/?"}, []string{"b/x"}},
		{"b/${$}{aws:username}", keys{"aws:username": "ann"}, []string{"b/${aws:username}"}, []string{"b/ann"}},
		{"b/${*}*", nil, []string{"b/*", "b/*x"}, []string{"b/x"}},
		{"b/$x/{y}/$", nil, []string{"b/$x/{y}/$"}, []string{"b/x"}},
	} {
		resource := "arn:aws:s3:::" + row.pattern
		statement := parse(t, in(`{"Effect":"Allow","Action":"s3:GetObject","Resource":`+quote(resource)+`}`), policy.Identity)
		except := parse(t, in(`{"Effect":"Allow","Action":"s3:GetObject","NotResource":`+quote(resource)+`}`), policy.Identity)
		for i, name := range slices.Concat(row.matches, row.others) {
			want := i < len(row.matches)
			r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + name, Context: row.context.context()}
			if got := policy.Evaluate(r, policy.Policy{Document: statement}); (got.Verdict == policy.Allowed) != want {
				t.Errorf("Resource %s with %q on %s: %+v", row.pattern, row.context, name, got)
			}
			if got := policy.Evaluate(r, policy.Policy{Document: except}); (got.Verdict == policy.Allowed) == want {
				t.Errorf("NotResource %s with %q on %s: %+v", row.pattern, row.context, name, got)
			}
			context := maps.Clone(row.context)
			if context == nil {
				context = keys{}
			}
			context["k:k"] = resource[:13] + name
			for operator, negated := range map[string]bool{"StringLike": false, "StringNotLike": true, "ForAnyValue:StringLike": false, "ArnLike": false, "ArnNotEquals": true, "ForAllValues:ArnLike": false} {
				if got := met(t, `{"`+operator+`":{"k:k":`+quote(resource)+`}}`, context); got == (want == negated) {
					t.Errorf("%s %s with %q, found %q: %v", operator, row.pattern, row.context, name, got)
				}
			}
		}
	}
}

// TestVariablesInConditions is what TestVariables cannot show.
func TestVariablesInConditions(t *testing.T) {
	team := keys{"t:t": "red", "k:k": "red"}
	for _, row := range []struct {
		condition string
		context   keys
		want      bool
	}{
		{`{"StringEquals":{"k:k":"${t:t}"}}`, team, true},
		{`{"StringEquals":{"k:k":"${t:t}"}}`, keys{"t:t": "red", "k:k": "blue"}, false},
		{`{"StringEquals":{"k:k":"${t:t}"}}`, keys{"t:t": "*", "k:k": "blue"}, false},
		{`{"StringEquals":{"k:k":"${*}"}}`, keys{"k:k": "*"}, true},
		{`{"StringEqualsIgnoreCase":{"k:k":"${t:t}"}}`, keys{"t:t": "RED", "k:k": "red"}, true},
		{`{"StringNotEqualsIgnoreCase":{"k:k":"${t:t}"}}`, keys{"t:t": "RED", "k:k": "red"}, false},
		{`{"Bool":{"k:k":"${t:t}"}}`, keys{"t:t": "true", "k:k": "true"}, true},
		{`{"Bool":{"k:k":"${t:t}"}}`, keys{"t:t": "yes", "k:k": "yes"}, false},
		{`{"StringEquals":{"k:k":["blue","${t:t}"]}}`, team, true},

		// "Policy variables with no value": nothing equals it.
		{`{"StringEquals":{"k:k":"${no}"}}`, team, false},
		{`{"StringEquals":{"k:k":"${no}"}}`, keys{"k:k": ""}, false},
		{`{"StringEquals":{"k:k":"${no}"}}`, keys{"k:k": "${no}"}, false},
		{`{"StringEquals":{"k:k":["red","${no}"]}}`, team, false},
		{`{"StringEqualsIfExists":{"k:k":"${no}"}}`, team, false},
		{`{"StringEqualsIfExists":{"k:k":"${no}"}}`, nil, true},
		{`{"ForAllValues:StringEquals":{"k:k":"${no}"}}`, team, false},
		{`{"ForAllValues:StringEquals":{"k:k":"${no}"}}`, nil, true},
		{`{"ForAnyValue:StringEquals":{"k:k":["red","${no}"]}}`, team, false},
		{`{"Bool":{"k:k":"${no}"}}`, keys{"k:k": "true"}, false},
		{`{"StringNotEquals":{"k:k":"${no}"}}`, team, true},
		{`{"StringNotEquals":{"k:k":"${no}"}}`, nil, true},
		{`{"StringNotEquals":{"k:k":["${no}","red"]}}`, team, false},
		{`{"StringNotLike":{"k:k":"${no}*"}}`, team, true},
		{`{"ForAnyValue:StringNotEquals":{"k:k":"${no}"}}`, team, true},
		{`{"ForAllValues:StringNotEquals":{"k:k":"${no}"}}`, team, true},

		// The components of an ARN are cut before variables go in.
		{`{"ArnEquals":{"k:k":"arn:aws:iam::1:user/${t:t}"}}`, keys{"t:t": "a:b", "k:k": "arn:aws:iam::1:user/a:b"}, true},
		{`{"ArnEquals":{"k:k":"arn:aws:iam:${t:t}:user/x"}}`, keys{"t:t": "r:1", "k:k": "arn:aws:iam:r:1:user/x"}, false},
		{`{"ArnEquals":{"k:k":"arn:aws:iam::${t:t}:user/x"}}`, keys{"t:t": "1", "k:k": "arn:aws:iam::1:user/x"}, true},
		{`{"ArnEquals":{"k:k":"arn:aws:iam::${t:t}:user/x"}}`, keys{"t:t": "*", "k:k": "arn:aws:iam::1:user/x"}, false},
		{`{"ArnNotEquals":{"k:k":"arn:aws:iam::${no}:user/x"}}`, keys{"k:k": "arn:aws:iam::1:user/x"}, true},
	} {
		if got := met(t, row.condition, row.context); got != row.want {
			t.Errorf("%s with %v: %v", row.condition, row.context, got)
		}
	}

	// The example of the guide: a Deny that holds because a tag is not there.
	deny := in(`{"Effect":"Allow","Action":"*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*","Condition":{"StringNotEquals":{"s3:ExistingObjectTag/Team":"${aws:PrincipalTag/Team}"}}}`)
	for version, rows := range map[string]map[string]policy.Verdict{
		"2012-10-17": {"": policy.ExplicitDeny, "red": policy.Allowed, "blue": policy.ExplicitDeny},
		"2008-10-17": {"": policy.ExplicitDeny, "red": policy.ExplicitDeny, "${aws:PrincipalTag/Team}": policy.ExplicitDeny}, // compared as text
	} {
		d := parse(t, strings.Replace(deny, "2012-10-17", version, 1), policy.Identity)
		for tag, want := range rows {
			r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
			r.Context.Set("s3:ExistingObjectTag/Team", "red")
			if tag != "" {
				r.Context.Set("aws:PrincipalTag/Team", tag)
			}
			if got := policy.Evaluate(r, policy.Policy{Document: d}).Verdict; got != want {
				t.Errorf("version %s, tag %q: %s", version, tag, got)
			}
		}
	}
}

// TestNoVariablesBefore2012 holds that older documents know no variables.
func TestNoVariablesBefore2012(t *testing.T) {
	for _, version := range []string{`"Version":"2008-10-17",`, ``} {
		d := parse(t, `{`+version+`"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}/*","Condition":{"StringEquals":{"k:k":"${*}"}}}}`, policy.Identity)
		for name, want := range map[string]policy.Verdict{"ann": policy.ImplicitDeny, "${aws:username}": policy.Allowed} {
			r := policy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/" + name + "/x"}
			r.Context.Set("aws:username", "ann")
			r.Context.Set("k:k", "${*}")
			if got := policy.Evaluate(r, policy.Policy{Document: d}); got.Verdict != want {
				t.Errorf("%q on %s: %+v", version, r.Resource, got)
			}
		}
	}
}
