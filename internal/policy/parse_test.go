package policy_test

import (
	"errors"
	"strings"
	"testing"

	"idpool/internal/policy"
)

// parse reads a document that must be good.
func parse(t testing.TB, text string, kind policy.Kind) *policy.Document {
	t.Helper()
	d, err := policy.Parse(text, kind)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

// refusal is the text that a document is refused with, or "".
func refusal(t testing.TB, text string, kind policy.Kind) string {
	t.Helper()
	d, err := policy.Parse(text, kind)
	if err == nil {
		if d == nil {
			t.Fatal("neither a document nor an error")
		}
		return ""
	}
	refused, ok := errors.AsType[*policy.Error](err)
	if !ok || d != nil || refused.Where == "" || !strings.HasPrefix(err.Error(), refused.Text) {
		t.Fatalf("document %v, error %#v", d, err)
	}
	return refused.Text
}

const (
	syntax  = "Syntax errors in policy."
	legacy  = "The policy failed legacy parsing"
	vendor  = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	noActs  = "Policy statement must contain actions."
	noRes   = "Policy statement must contain resources."
	sidOnce = "Statement IDs (SID) in a single policy must be unique."
	sidForm = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	noWho   = "Policy document should not specify a principal."
)

// in puts statements into a document of the current version.
func in(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// TestIdentityStatements is what a statement of an identity's policy may say.
func TestIdentityStatements(t *testing.T) {
	for _, row := range []struct{ statement, want string }{
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, ""},
		{`{"Effect":"Deny","Action":["s3:GetObject"],"Resource":["*"]}`, ""},
		{`{"Effect":"Allow","Action":"*","Resource":"*"}`, ""},
		{`{"Effect":"Allow","Action":"*:*","Resource":"*"}`, ""},
		{`{"Effect":"Allow","NotAction":"s3:GetObject","NotResource":"*"}`, ""},
		{`{"Resource":"*","Action":"s3:GetObject","Effect":"Allow"}`, ""},
		{`{"Sid":"","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, ""},
		{`{"Sid":"a1B2","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, ""},
		{`{"Effect":"Allow","Action":"nosuchservice:DoSomething","Resource":"*"}`, ""},
		{`{"Effect":"Allow","Action":"s3-s:ListBucket","Resource":"*"}`, ""},
		{`{"Effect":"Allow","Action":"s3.s:ListBucket","Resource":"*"}`, ""},
		{`{"Effect":"Allow","Action":"iam: asdf safdsf af ","Resource":"*"}`, ""},

		{`"hello"`, syntax},
		{`[]`, syntax},
		{`{}`, syntax},
		{`{"Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":"Maybe","Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":["Allow"],"Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":null,"Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":"allow","Action":"s3:GetObject","Resource":"*"}`, legacy},
		{`{"Effect":"denY","Action":"s3:GetObject","Resource":"*"}`, legacy},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Extra":1}`, syntax},
		{`{"Effect":"Allow","action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Effect":"Allow","\u0045ffect":"Deny","Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Sid":{},"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Sid":1,"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, syntax},
		{`{"Sid":"a-b","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, sidForm},
		{`{"Sid":"a b","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, sidForm},
		{`{"Sid":"é","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, sidForm},
		{`{"Sid":"a\n","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, sidForm},

		{`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`, noWho},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*"}`, noWho},
		{`{"Effect":"Allow","NotPrincipal":"*","Action":"s3:GetObject","Resource":"*"}`, noWho},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/bob"}}`, noWho},

		{`{"Effect":"Allow","Resource":"*"}`, noActs},
		{`{"Effect":"Deny"}`, noActs},
		{`{"Effect":"Allow","Action":[],"Resource":"*"}`, noActs},
		{`{"Effect":"Allow","NotAction":[],"Resource":"*"}`, noActs},
		{`{"Effect":"Allow","Action":123,"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":null,"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":true,"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":{},"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":[[]],"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":["s3:GetObject",null],"Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":"s3:GetObject","NotAction":"s3:PutObject","Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":[],"NotAction":"s3:PutObject","Resource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":"GetObject","Resource":"*"}`, vendor},
		{`{"Effect":"Allow","Action":"","Resource":"*"}`, vendor},
		{`{"Effect":"Allow","NotAction":"","Resource":"*"}`, vendor},
		{`{"Effect":"Allow","Action":"s3*","Resource":"*"}`, vendor},
		{`{"Effect":"Allow","Action":"s3:List:Bucket","Resource":"*"}`, "Actions/Condition can contain only one colon."},
		{`{"Effect":"Allow","Action":":GetObject","Resource":"*"}`, "Vendor  is not valid"},
		{`{"Effect":"Allow","Action":"iam :Get","Resource":"*"}`, "Vendor iam  is not valid"},
		{`{"Effect":"Allow","Action":"a a:ListBucket","Resource":"*"}`, "Vendor a a is not valid"},
		{`{"Effect":"Allow","Action":"s3*:Get","Resource":"*"}`, "Vendor s3* is not valid"},

		{`{"Effect":"Allow","Action":"s3:GetObject"}`, noRes},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":[]}`, noRes},
		{`{"Effect":"Allow","Action":"invalid"}`, noRes}, // before the form of the action
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":{"a":"b"}}`, syntax},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":["adf",{}]}`, syntax},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","NotResource":"*"}`, syntax},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","NotResource":[]}`, syntax},
	} {
		if got := refusal(t, in(row.statement), policy.Identity); got != row.want {
			t.Errorf("%s\n got %q\nwant %q", row.statement, got, row.want)
		}
	}
}

// TestResources is the form of the element Resource.
func TestResources(t *testing.T) {
	for _, row := range []struct{ resource, want string }{
		{"*", ""},
		{"arn:aws:s3:::bucket", ""},
		{"arn:aws:s3:::bucket/*", ""},
		{"arn:aws:s3:::*", ""},
		{"arn:aws-cn:s3:::bucket", ""},
		{"arn:aws-us-gov:s3:::bucket", ""},
		{"arn:minio:iam:::role/x", ""},
		{"arn:aws:cognito-identity:us-east-1:111122223333:identitypool/*", ""},
		{"arn:aws:iam::*:user/${aws:username}", ""},
		{"arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/${*}${?}${$}", ""},
		{"arn:aws:s3:::b/$aws/{x}/$", ""},
		{"arn:aws:no-such-service:us-east-1::x", ""},
		{"arn:aws:sqs", ""},
		{"arn:aws:sqs:us-east-1", ""},
		{"arn:aws:sqs:us-east-1:111122223333", ""},
		{"arn:aws:sqs:*:*", ""},

		{"", `Resource  must be in ARN format or "*".`},
		{"invalid", `Resource invalid must be in ARN format or "*".`},
		{"bucket/*", `Resource bucket/* must be in ARN format or "*".`},
		{"a:bsdfdsafsad", `Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*".`},
		{"a:b:cadfsdf", `Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*".`},
		{"a:b:c:d:e:f:g:h", `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`},
		{"aws:s3:::example_bucket", `Partition "s3" is not valid for resource "arn:s3:::example_bucket:*".`},
		{"s3::example-bucket/*", `Partition "" is not valid for resource "arn::example-bucket/*:*:*:*".`},
		{"arn:aws2:s3:::example-bucket/*", `Partition "aws2" is not valid for resource "arn:aws2:s3:::example-bucket/*".`},
		{"arn:*:s3:::bucket", `Partition "*" is not valid for resource "arn:*:s3:::bucket".`},
		{"ARN:aws:s3:::bucket", `Partition "aws" is not valid for resource "arn:aws:s3:::bucket".`},
		{"arn:aws", "Resource vendor must be fully qualified and cannot contain regexes."},
		{"arn:aws::fdsasf", legacy},
		{"arn:aws::::example_bucket", legacy},
		{"arn:awss3::example-bucket/*", legacy},
		{"arn:aws:s3::example_bucket", legacy},
		{"arn:aws:iam::${aws:PrincipalAccount}:role/x", legacy}, // variables in the last component only
		{"arn:aws:${aws:x}:::b", legacy},
		{"${aws:x}", legacy},
		{"arn:aws:s3:::${", legacy},
		{"arn:aws:s3:::${}", legacy},
		{"arn:aws:s3:::${aws:username", legacy},
		{"arn:aws:s3:::${${aws:username}}", legacy},
		{"arn:aws:s3:::${ aws:username}", legacy},
		{"arn:aws:s3:::${aws:x,}", legacy},
		{"arn:aws:s3:::${aws:x, y}", legacy},
		{"arn:aws:s3:::${aws:x, 'y}", legacy},
		{"arn:aws:s3:::${aws:x, '}", legacy},
		{"arn:aws:s3:::${aws:*}", legacy},
		{"arn:aws:s3:::${, 'y'}", legacy},
	} {
		for _, element := range []string{"Resource", "NotResource"} {
			statement := `{"Effect":"Allow","Action":"s3:GetObject","` + element + `":["` + row.resource + `"]}`
			if got := refusal(t, in(statement), policy.Identity); got != row.want {
				t.Errorf("%s %q\n got %q\nwant %q", element, row.resource, got, row.want)
			}
		}
	}
	old := `{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${"}}`
	if got := refusal(t, old, policy.Identity); got != "" {
		t.Errorf("without variables ${ is text: %q", got)
	}
}

// TestConditionForms is the form of the element Condition, for both kinds.
func TestConditionForms(t *testing.T) {
	for _, row := range []struct{ condition, want string }{
		{`{}`, ""},
		{`{"StringEquals":{}}`, ""},
		{`{"StringEquals":{"a":[]}}`, ""},
		{`{"StringEquals":{"a":"b","c":["d","e"]},"Bool":{"f":"true"}}`, ""},
		{`{"NumericEquals":{"a":5}}`, ""},
		{`{"NumericEquals":{"a":[5,"6",-7.25,1e3]}}`, ""},
		{`{"Bool":{"a":true}}`, ""},
		{`{"Bool":{"a":"TRUE"}}`, ""},
		{`{"Bool":{"a":"${aws:PrincipalTag/x}"}}`, ""},
		{`{"Null":{"a":false}}`, ""},
		{`{"Null":{"a":"true"}}`, ""},
		{`{"StringEqualsIfExists":{"a":"b"}}`, ""},
		{`{"ForAnyValue:StringEqualsIfExists":{"a":"b"}}`, ""},
		{`{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}`, ""},
		{`{"DateGreaterThan":{"aws:CurrentTime":"2017-07-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2017-12-31T23:59:59Z"}}`, ""},
		{`{"DateLessThanEquals":{"a":"2016-12-13T21:20:37.593194+00:00"}}`, ""},
		{`{"DateLessThan":{"a":"-292275054"}}`, ""},
		{`{"DateLessThan":{"a":1700000000}}`, ""},
		{`{"DateLessThan":{"a":["2017","2017-07","2017-07-01","2017-07-01T10:00Z","2017-07-01T10:00:00"]}}`, ""},
		{`{"IpAddress":{"a":["203.0.113.0/24","203.0.113.7","2001:DB8:1234:5678::/64","2001:db8::1","10.1.2.3/8","::ffff:10.0.0.1"]}}`, ""},
		{`{"BinaryEquals":{"a":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, ""},
		{`{"ArnLike":{"a":["arn:aws:iam::111122223333:role/*","*","short"]}}`, ""},
		{`{"ArnEquals":{"a":"arn:aws:iam::111122223333:user/${aws:username}"}}`, ""},

		{`[]`, syntax},
		{`null`, syntax},
		{`"a"`, syntax},
		{`{"a":"b"}`, syntax},
		{`{"x":{"a":"1"}}`, syntax},
		{`{"DateGreaterThan":"b"}`, syntax},
		{`{"DateGreaterThan":[]}`, syntax},
		{`{"StringEquals":{"a":{}}}`, syntax},
		{`{"StringEquals":{"a":null}}`, syntax},
		{`{"StringEquals":{"a":[["b"]]}}`, syntax},
		{`{"StringEquals":{"a":["b",null]}}`, syntax},
		{`{"StringEquals":{"a":"b","a":"c"}}`, syntax},
		{`{"StringEquals":{"a":"b"},"StringEquals":{"c":"d"}}`, syntax},
		{`{"stringequals":{"a":"b"}}`, syntax},
		{`{"StringEqualsIfExistsIfExists":{"a":"b"}}`, syntax},
		{`{"ForAnyValue::StringEquals":{"a":"b"}}`, syntax},
		{`{"ForAnyValue:ForAllValues:StringEquals":{"a":"b"}}`, syntax},
		{`{"ForSomeValue:StringEquals":{"a":"b"}}`, syntax},
		{`{"ForAnyValue:":{"a":"b"}}`, syntax},
		{`{"IfExists":{"a":"b"}}`, syntax},
		{`{"NullIfExists":{"a":"true"}}`, syntax},
		{`{"ForAnyValue:Null":{"a":"true"}}`, syntax},
		{`{"BoolEquals":{"a":"true"}}`, syntax},
		{`{"NotBinaryEquals":{"a":"YQ=="}}`, syntax},
		{`[{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}]`, syntax},

		{`{"DateGreaterThan":{"a":"sdfdsf"}}`, legacy},
		{`{"DateLessThanEquals":{"a":"234-13"}}`, legacy},
		{`{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}`, legacy},
		{`{"DateLessThan":{"a":"9223372036854775808"}}`, legacy},
		{`{"DateLessThan":{"a":"9223372036854775807"}}`, legacy}, // more than a time can hold
		{`{"DateLessThan":{"a":"*"}}`, legacy},
		{`{"DateLessThan":{"a":"${aws:CurrentTime}"}}`, legacy},
		{`{"DateLessThan":{"a":""}}`, legacy},
		{`{"NumericEquals":{"a":"five"}}`, legacy},
		{`{"NumericEquals":{"a":""}}`, legacy},
		{`{"NumericEquals":{"a":"NaN"}}`, legacy},
		{`{"NumericEquals":{"a":"0x10"}}`, legacy},
		{`{"NumericEquals":{"a":"1/2"}}`, legacy},
		{`{"NumericEquals":{"a":"1_000"}}`, legacy},
		{`{"NumericEquals":{"a":1e999}}`, legacy}, // would take gigabytes to write out
		{`{"NumericEquals":{"a":"${aws:x}"}}`, legacy},
		{`{"Bool":{"a":"yes"}}`, legacy},
		{`{"Bool":{"a":1}}`, legacy},
		{`{"Null":{"a":"${aws:x}"}}`, legacy},
		{`{"Null":{"a":"maybe"}}`, legacy},
		{`{"IpAddress":{"a":"203.0.113.0/33"}}`, legacy},
		{`{"IpAddress":{"a":"203.0.113.*"}}`, legacy},
		{`{"IpAddress":{"a":"203.0.113"}}`, legacy},
		{`{"IpAddress":{"a":"fe80::1%eth0"}}`, legacy},
		{`{"IpAddress":{"a":"::ffff:10.0.0.0/104"}}`, legacy},
		{`{"NotIpAddress":{"a":"localhost"}}`, legacy},
		{`{"BinaryEquals":{"a":"?"}}`, legacy},
		{`{"StringEquals":{"a":"${"}}`, legacy},
		{`{"ArnLike":{"a":"arn:aws:iam::111122223333:user/${aws:x"}}`, legacy},
	} {
		identity := in(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":` + row.condition + `}`)
		if got := refusal(t, identity, policy.Identity); got != row.want {
			t.Errorf("%s\n got %q\nwant %q", row.condition, got, row.want)
		}
		trust := in(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":` + row.condition + `}`)
		if got := refusal(t, trust, policy.Trust); got == "" != (row.want == "") {
			t.Errorf("%s in a trust policy: %q", row.condition, got)
		}
	}
}

// TestDocuments is what stands around the statements. An empty text means that
// the document is good.
func TestDocuments(t *testing.T) {
	const one = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	const who = `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`
	const json, version, empty = "This policy contains invalid Json", "The policy must contain a valid version string", "Could not parse the policy: Statement is empty!"
	for _, row := range []struct{ text, identity, trust string }{
		{`{"Version":"2012-10-17","Statement":[ONE]}`, "", ""},
		{`{"Version":"2008-10-17","Statement":[ONE]}`, "", ""},
		{`{"Statement":[ONE]}`, "", ""},
		{`{"Statement":ONE}`, "", ""},
		{`{"Statement":[ONE,ONE]}`, "", ""},
		{"\n{ \"Statement\" :\t[ONE] , \"Id\" : \"a b\" }\r\n", "", ""},
		{``, syntax, json},
		{`This is not a json document`, syntax, json},
		{`{not valid json`, syntax, json},
		{`null`, syntax, json},
		{`[]`, syntax, json},
		{`"a"`, syntax, json},
		{`{"Statement":[ONE]} x`, syntax, json},
		{`{"Statement":[ONE]}{}`, syntax, json},
		{`{"Statement":[ONE,]}`, syntax, json},
		{`{"Statement":[ONE],}`, syntax, json},
		{`{'Statement':[ONE]}`, syntax, json},
		{`{"Statement":[ONE],"Statement":[ONE]}`, syntax, json},
		{`{"Id":"a","I\u0064":"b","Statement":[ONE]}`, syntax, json},
		{`{"Id":{"a":[{"b":1,"b":2}]},"Statement":[ONE]}`, syntax, json},
		{"{\"Id\":\"\xff\",\"Statement\":[ONE]}", syntax, json},
		{"{\"\xff\":1,\"Statement\":[ONE]}", syntax, json},
		{`{"Id":"\ud800","Statement":[ONE]}`, syntax, json},
		{`{"Id":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"Statement":[ONE]}`, syntax, json},
		{strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000), syntax, json},
		{`{"Version":"2013-10-17","Statement":[ONE]}`, syntax, version},
		{`{"Version":"","Statement":[ONE]}`, syntax, version},
		{`{"Version":null,"Statement":[ONE]}`, syntax, version},
		{`{"Version":["2012-10-17"],"Statement":[ONE]}`, syntax, version},
		{`{"Id":["a"],"Statement":[ONE]}`, syntax, syntax},
		{`{"Id":{},"Statement":[ONE]}`, syntax, syntax},
		{`{}`, syntax, empty},
		{`{"Version":"2012-10-17"}`, syntax, empty},
		{`{"Version":"2012-10-17","Statement":null}`, syntax, empty},
		{`{"Version":"2012-10-17","Statement":[]}`, syntax, empty},
		{`{"Version":"2012-10-17","Statement":"hello"}`, syntax, syntax},
		{`{"Version":"2012-10-17","Statement":[ONE,"afd"]}`, syntax, syntax},
		{`{"statement":[ONE]}`, syntax, "Unknown field statement"},
		{`{"Statement":[ONE],"Comment":"x"}`, syntax, "Unknown field Comment"},
		{`{"Statement":[ONE]}` + strings.Repeat(" ", 131_072), syntax, syntax},
		{`{"Statement":[ONE` + strings.Repeat(",ONE", 1_000) + `]}`, syntax, syntax},
	} {
		if got := refusal(t, strings.ReplaceAll(row.text, "ONE", one), policy.Identity); got != row.identity {
			t.Errorf("%.200s\n got %q\nwant %q", row.text, got, row.identity)
		}
		if got := refusal(t, strings.ReplaceAll(row.text, "ONE", who), policy.Trust); got != row.trust {
			t.Errorf("%.200s as a trust policy\n got %q\nwant %q", row.text, got, row.trust)
		}
	}
}

// TestBounds holds that what is just within the bounds is taken.
func TestBounds(t *testing.T) {
	const one = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	parse(t, `{"Statement":[`+one+strings.Repeat(","+one, 999)+`]}`, policy.Identity)
	list := func(n int) string {
		return in(`{"Effect":"Allow","Action":["s3:a"` + strings.Repeat(`,"s3:a"`, n-1) + `],"Resource":"*"}`)
	}
	parse(t, list(9_999), policy.Identity)
	if got := refusal(t, list(10_000), policy.Identity); got != syntax {
		t.Errorf("10,001 strings: %q", got)
	}
	ones := func(n int) string {
		return in(`{"Effect":"Allow","Action":"s3:a","Resource":["arn:aws:s3:::*?` + strings.Repeat("a", n-15) + `","arn:aws:s3:::*` + strings.Repeat("a", n) + `"]}`)
	}
	parse(t, ones(4_096), policy.Identity)
	if got := refusal(t, ones(4_097), policy.Identity); got != syntax {
		t.Errorf("a pattern with ? of 4,097 bytes: %q", got)
	}
	holes := func(n int) string {
		return in(`{"Effect":"Allow","Action":"s3:a","Resource":["arn:aws:s3:::a","arn:aws:s3:::` + strings.Repeat("${a}", n) + `"]}`)
	}
	parse(t, holes(1_000), policy.Identity)
	if got := refusal(t, holes(1_001), policy.Identity); got != syntax {
		t.Errorf("1,001 variables: %q", got)
	}
	long := `{"Statement":` + one + `,"Id":"` + strings.Repeat("é", 131_072-len(one)-22) + `"}`
	parse(t, long, policy.Identity)
	if got := refusal(t, long+" ", policy.Identity); got != syntax {
		t.Errorf("131,073 characters: %q", got)
	}
	if got := refusal(t, in(`{"Effect":"Allow","Action":"s3:a","Resource":"`+strings.Repeat("x", 100_000)+`"}`), policy.Identity); len(got) > 2_200 {
		t.Errorf("a text of %d bytes repeats what it complains about", len(got))
	}
}

// TestOrderOfComplaints holds that of several things that are wrong, IAM's first
// is reported, wherever in the document it is.
func TestOrderOfComplaints(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{in(`{"Sid":"a","Effect":"Allow","Action":"s3:a","Resource":"*"}`, `{"Sid":"a","Effect":"Allow"}`), sidOnce},
		{in(`{"Sid":"a","Effect":"aLLow","Action":"s3:a","Resource":"*"}`, `{"Sid":"a","Effect":"Allow"}`), legacy},
		{in(`{"Effect":"Deny"}`, `{"Effect":"Allow","Action":"s3:a","Resource":"*"}`), noActs},
		{in(`{"Effect":"Allow","Condition":{"DateGreaterThan":{"a":"x"}}}`), legacy},
		{in(`{"Effect":"Allow","Resource":"*","Condition":{"DateGreaterThan":{"a":{}}}}`), syntax},
		{in(`{"Effect":"Allow","Action":"s:3:ListBucket","Resource":"sdfsadf"}`), `Resource sdfsadf must be in ARN format or "*".`},
		{in(`{"Effect":"Allow","Resource":"arn:aws:s3::example_bucket"}`), legacy},
		{in(`{"Effect":"Allow","Action":"x","Resource":"*"}`, `{"Effect":"Allow","Action":"s3:a","Resource":"*","X":1}`), syntax},
		{in(`{"Effect":"Allow","Principal":"*"}`), noWho},
		{in(`{"Effect":"Allow","Action":"x","Resource":"y"}`, `{"Effect":"Allow","Action":"s3:a","Resource":"z"}`), `Resource y must be in ARN format or "*".`},
	} {
		if got := refusal(t, row.text, policy.Identity); got != row.want {
			t.Errorf("%s\n got %q\nwant %q", row.text, got, row.want)
		}
	}
}

// TestManagedVersion holds that a managed policy is of the current version, which
// counts more than all that is wrong with it but its syntax. An inline policy may
// be of the old one.
func TestManagedVersion(t *testing.T) {
	const (
		fine = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
		old  = "Policy document must be version 2012-10-17 or greater."
	)
	for _, row := range []struct{ text, managed, inline string }{
		{in(fine), "", ""},
		{`{"Statement":[` + fine + `]}`, old, ""},
		{`{"Version":"2008-10-17","Statement":[` + fine + `]}`, old, ""},
		{`{"Version":"2013-10-17","Statement":[` + fine + `]}`, syntax, syntax},
		{`{"Statement":[{"Effect":"Allow","Action":"x"}]}`, old, noRes},
		{`{"Statement":[{"Effect":"Allow","Principal":"*"}]}`, old, noWho},
		{`{"Statement":[{"Effect":"Perhaps"}]}`, syntax, syntax},
		{in(`{"Effect":"Allow","Principal":"*","Action":"s3:a","Resource":"*"}`), noWho, noWho},
	} {
		if managed, inline := refusal(t, row.text, policy.Standalone), refusal(t, row.text, policy.Identity); managed != row.managed || inline != row.inline {
			t.Errorf("%s\n got %q, inline %q\nwant %q, inline %q", row.text, managed, inline, row.managed, row.inline)
		}
	}
}

// TestTrustStatements is what a statement of a trust policy may say.
func TestTrustStatements(t *testing.T) {
	const (
		acts     = "AssumeRole policy may only specify STS AssumeRole actions."
		fed      = "Federated principals must be valid domain names or SAML metadata ARNs"
		emptyWho = "Missing required field Principal cannot be empty!"
	)
	type row struct{ statement, want string }
	rows := []row{
		{`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`, ""},
		{`{"Effect":"Deny","Principal":{"AWS":"*"},"NotAction":"sts:AssumeRole"}`, ""},
		{`{"Effect":"Allow","Principal":{"AWS":"*","Service":["ec2.amazonaws.com"]},"Action":["sts:AssumeRole","sts:TagSession"]}`, ""},

		{`{"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "Missing required field Effect"},
		{`{"Effect":"Maybe","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "Invalid effect: Maybe"},
		{`{"Effect":"allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "Invalid effect: allow"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Comment":"x"}`, "Unknown field Comment"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Principal":{"AWS":"*"}}`, "This policy contains invalid Json"},

		{`{"Effect":"Allow","Action":"sts:AssumeRole"}`, "Missing required field Principal"},
		{`{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"}`, emptyWho},
		{`{"Effect":"Allow","Principal":{"AWS":[]},"Action":"sts:AssumeRole"}`, emptyWho},
		{`{"Effect":"Allow","Principal":"111122223333","Action":"sts:AssumeRole"}`, "Principal must be a JSON object."},
		{`{"Effect":"Allow","Principal":["*"],"Action":"sts:AssumeRole"}`, "Principal must be a JSON object."},
		{`{"Effect":"Allow","Principal":null,"Action":"sts:AssumeRole"}`, "Principal must be a JSON object."},
		{`{"Effect":"Allow","Principal":{"AWS":1},"Action":"sts:AssumeRole"}`, syntax},
		{`{"Effect":"Allow","Principal":{"AWS":{"AWS":"*"}},"Action":"sts:AssumeRole"}`, syntax},
		{`{"Effect":"Allow","Principal":{"CanonicalUser":"79a5"},"Action":"sts:AssumeRole"}`, `Invalid principal in policy: "CanonicalUser"`},
		{`{"Effect":"Allow","Principal":{"aws":"*"},"Action":"sts:AssumeRole"}`, `Invalid principal in policy: "aws"`},
		{`{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "Allow with NotPrincipal is not allowed."},
		{`{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "AssumeRole policy must not contain NotPrincipal field."},
		{`{"Effect":"Deny","Principal":"*","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "AssumeRole policy must not contain NotPrincipal field."},

		{`{"Effect":"Allow","Principal":{"AWS":"*"}}`, "Missing required field Action"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":[]}`, "Missing required field Action"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","NotAction":"sts:TagSession"}`, syntax},
		{`{"Effect":"Deny","Principal":{"AWS":"*"},"NotAction":"s3:GetObject"}`, acts},

		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*"}`, "Has prohibited field Resource"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":[]}`, "Has prohibited field Resource"},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","NotResource":"*"}`, "AssumeRole policy must not contain resources."},
		{`{"Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"},{"Sid":"a","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, "The Statement Ids in the policy are not unique"},
		{`{"Sid":"","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"},{"Sid":"","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, ""},
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, "Missing required field Principal"}, // a policy for an identity
	}
	for _, a := range []string{"sts:AssumeRole", "sts:assumerole", "STS:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext", "sts:AssumeRole*", "sts:AssumeRoleWith*", "sts:AssumeRoleWith????"} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"` + a + `"}`, ""})
	}
	for _, a := range []string{"*", "sts:*", "sts:Assume*", "s*:AssumeRole", "*:AssumeRole", "sts:AssumeRoleX", "sts:AssumeRoleX*", "sts:AssumeRole ", "sts:GetCallerIdentity", "sts:BadAssumeRole", "s3:GetObject", "AssumeRole", "", "iam:PassRole"} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","` + a + `"]}`, acts})
	}
	for _, id := range []string{
		"*", "111122223333", "arn:aws:iam::111122223333:root", "arn:aws-cn:iam::111122223333:root", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/a/b/ann",
		"arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/a/b/app", "arn:aws:sts::111122223333:assumed-role/app/session", "arn:aws:sts::111122223333:federated-user/ann",
	} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"AWS":["` + id + `"]},"Action":"sts:AssumeRole"}`, ""})
	}
	for _, id := range []string{
		"", "1", "11112222333", "1111222233334", "**", "1111*", "ann", "AIDAQ3EGSH6HYJK7NEXAM", "arn:aws:iam::*:root", "arn:aws:iam::111122223333:root/x", "arn:aws:iam::111122223333:user/*",
		"arn:aws:iam::111122223333:role/app*", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:group/g", "arn:aws:iam:us-east-1:111122223333:role/app", "arn:aws:iam::1:role/app",
		"arn:aws:sts::111122223333:assumed-role/app/*", "arn:aws:sts::111122223333:assumed-role/app", "arn:aws:sts::111122223333:assumed-role/a/b/c", "arn:aws2:iam::111122223333:role/app", "arn:aws:s3:::bucket", "arn:aws:iam::111122223333:role/${aws:x}*",
	} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"AWS":["` + id + `"]},"Action":"sts:AssumeRole"}`, `Invalid principal in policy: "AWS":"` + id + `"`})
	}
	for _, id := range []string{"ec2.amazonaws.com", "cognito-idp.amazonaws.com", "ec2.amazonaws.com.cn"} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"Service":"` + id + `"},"Action":"sts:AssumeRole"}`, ""})
	}
	for _, id := range []string{"", "*", "ec2", "ec2.amazonaws.com.", "*.amazonaws.com", "https://ec2.amazonaws.com", "arn:aws:iam::111122223333:root"} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"Service":"` + id + `"},"Action":"sts:AssumeRole"}`, `Invalid principal in policy: "SERVICE":"` + id + `"`})
	}
	for _, id := range []string{
		"accounts.google.com", "www.amazon.com", "graph.facebook.com", "arn:aws:iam::111122223333:oidc-provider/login.example.com", "arn:aws:iam::111122223333:oidc-provider/login.example.com/tenant/1",
		"arn:aws:iam::000000000000:oidc-provider/127.0.0.1:8437/dev", "arn:aws:iam::111122223333:saml-provider/corp",
	} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"Federated":"` + id + `"},"Action":"sts:AssumeRoleWithWebIdentity"}`, ""})
	}
	for _, id := range []string{"", "*", "*.google.com", "https://accounts.google.com", "accounts.google.com/", "arn:aws:iam//111122223333:oidc-provider/x", "arn:aws:iam::111122223333:oidc-provider/", "arn:aws:iam::111122223333:oidc-provider/*", "arn:aws:iam::111122223333:role/x", "a..b", "-a.com"} {
		rows = append(rows, row{`{"Effect":"Allow","Principal":{"Federated":"` + id + `"},"Action":"sts:AssumeRoleWithWebIdentity"}`, fed})
	}
	for _, row := range rows {
		if got := refusal(t, in(row.statement), policy.Trust); got != row.want {
			t.Errorf("%s\n got %q\nwant %q", row.statement, got, row.want)
		}
	}
}

// TestPoolsMustBePinned holds that no role trusts everybody's identity pools: an
// Allow for their principal must pin the key aud (CVE-2024-28056).
func TestPoolsMustBePinned(t *testing.T) {
	const refused = "A condition block must be present for the Cognito provider"
	for _, row := range []struct{ condition, want string }{
		{`{"StringEquals":{"P:aud":"us-east-1:1"}}`, ""},
		{`{"StringEquals":{"P:aud":["us-east-1:1","us-east-1:2"]}}`, ""},
		{`{"StringEquals":{"P:AUD":"us-east-1:1"}}`, ""},
		{`{"StringEqualsIgnoreCase":{"P:aud":"us-east-1:1"}}`, ""},
		{`{"StringLike":{"P:aud":"us-east-1:*"}}`, ""},
		{`{"ForAnyValue:StringEquals":{"P:aud":"us-east-1:1"}}`, ""},
		{`{"StringNotEquals":{"P:aud":"us-east-1:2"},"StringEquals":{"P:aud":"us-east-1:1"}}`, ""},
		{`{"StringEquals":{"P:aud":"us-east-1:1"},"ForAnyValue:StringLike":{"P:amr":"authenticated"}}`, ""},

		{``, refused},
		{`{}`, refused},
		{`{"StringEquals":{}}`, refused},
		{`{"StringEquals":{"P:aud":[]}}`, refused},
		{`{"StringEquals":{"P:aud":""}}`, refused},
		{`{"StringEquals":{"P:sub":"us-east-1:1"}}`, refused},
		{`{"StringEquals":{"aud":"us-east-1:1"}}`, refused},
		{`{"ForAnyValue:StringLike":{"P:amr":"authenticated"}}`, refused},
		{`{"Bool":{"aws:SecureTransport":"true"}}`, refused},
		{`{"StringLike":{"P:aud":"*"}}`, refused},
		{`{"StringLike":{"P:aud":"?*"}}`, refused},
		{`{"StringLike":{"P:aud":["us-east-1:1","*"]}}`, refused},
		{`{"StringNotEquals":{"P:aud":"us-east-1:1"}}`, refused},
		{`{"StringNotLike":{"P:aud":"us-east-1:1"}}`, refused},
		{`{"StringEqualsIfExists":{"P:aud":"us-east-1:1"}}`, refused},
		{`{"ForAllValues:StringEquals":{"P:aud":"us-east-1:1"}}`, refused},
		{`{"Null":{"P:aud":"false"}}`, refused},
		{`{"StringEquals":{"P:aud":"${P:aud}"}}`, refused},
		{`{"StringLike":{"P:aud":"us-east-1:${P:aud}"}}`, refused},
		{`{"StringEquals":{"other.example.com:aud":"us-east-1:1"}}`, refused},
	} {
		for _, provider := range []string{policy.Provider, "cognito-identity-us-gov.amazonaws.com", "cognito-identity.us-gov-east-1.amazonaws.com"} {
			condition := ""
			if row.condition != "" {
				condition = `,"Condition":` + strings.ReplaceAll(row.condition, "P:", provider+":")
			}
			allow := `{"Effect":"Allow","Principal":{"Federated":["accounts.google.com","` + provider + `"]},"Action":"sts:TagSession"` + condition + `}`
			if got := refusal(t, in(allow), policy.Trust); got != row.want {
				t.Errorf("%s\n got %q\nwant %q", allow, got, row.want)
			}
			if got := refusal(t, in(strings.Replace(allow, "Allow", "Deny", 1)), policy.Trust); got != "" {
				t.Errorf("a deny needs no condition: %q", got)
			}
		}
	}
}
