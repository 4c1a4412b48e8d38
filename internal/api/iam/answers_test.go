package iam_test

import (
	"encoding/xml"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// What differs from one run to the next.
var (
	requestID = regexp.MustCompile(`<RequestId>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}</RequestId>`)
	uniqueID  = regexp.MustCompile(`>(A[A-Z]{3})[A-Z2-7]{16,17}<`)
	secretKey = regexp.MustCompile(`<SecretAccessKey>[A-Za-z0-9+/]{40}</SecretAccessKey>`)
	markerTag = regexp.MustCompile(`<Marker>[A-Za-z0-9_-]{60,320}</Marker>`)
)

// exact is an answer with what is random in it replaced.
func exact(a answer) string {
	text := requestID.ReplaceAllString(a.body, "<RequestId>REQUEST</RequestId>")
	text = uniqueID.ReplaceAllString(text, ">${1}ID<")
	text = secretKey.ReplaceAllString(text, "<SecretAccessKey>SECRET</SecretAccessKey>")
	return markerTag.ReplaceAllString(text, "<Marker>MARKER</Marker>")
}

// TestAnswers are whole answers, to the byte.
func TestAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct{ op, form, want string }{
		{"CreateRole", "RoleName=app&Path=/team/&Description=Apps&AssumeRolePolicyDocument={trust2}&Tags.member.1.Key=a&Tags.member.1.Value=b", `<CreateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateRoleResult>
    <Role>
      <Path>/team/</Path>
      <RoleName>app</RoleName>
      <RoleId>AROAID</RoleId>
      <Arn>arn:aws:iam::111122223333:role/team/app</Arn>
      <CreateDate>2026-03-04T05:06:07Z</CreateDate>
      <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22111122223333%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D</AssumeRolePolicyDocument>
      <Tags>
        <member>
          <Key>a</Key>
          <Value>b</Value>
        </member>
      </Tags>
    </Role>
  </CreateRoleResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</CreateRoleResponse>
`},
		{"GetRole", "RoleName=app", `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetRoleResult>
    <Role>
      <Path>/team/</Path>
      <RoleName>app</RoleName>
      <RoleId>AROAID</RoleId>
      <Arn>arn:aws:iam::111122223333:role/team/app</Arn>
      <CreateDate>2026-03-04T05:06:07Z</CreateDate>
      <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22111122223333%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D</AssumeRolePolicyDocument>
      <Description>Apps</Description>
      <MaxSessionDuration>3600</MaxSessionDuration>
      <Tags>
        <member>
          <Key>a</Key>
          <Value>b</Value>
        </member>
      </Tags>
      <RoleLastUsed></RoleLastUsed>
    </Role>
  </GetRoleResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</GetRoleResponse>
`},
		{"PutRolePolicy", "RoleName=app&PolicyName=p&PolicyDocument={doc2}", `<PutRolePolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</PutRolePolicyResponse>
`},
		{"UpdateRole", "RoleName=app", `<UpdateRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <UpdateRoleResult></UpdateRoleResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</UpdateRoleResponse>
`},
		{"CreateUser", "UserName=ann", `<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateUserResult>
    <User>
      <Path>/</Path>
      <UserName>ann</UserName>
      <UserId>AIDAID</UserId>
      <Arn>arn:aws:iam::111122223333:user/ann</Arn>
      <CreateDate>2026-03-04T05:06:07Z</CreateDate>
    </User>
  </CreateUserResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</CreateUserResponse>
`},
		{"CreateUser", "UserName=bob", ""},
		{"ListUsers", "MaxItems=1", `<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListUsersResult>
    <Users>
      <member>
        <Path>/</Path>
        <UserName>ann</UserName>
        <UserId>AIDAID</UserId>
        <Arn>arn:aws:iam::111122223333:user/ann</Arn>
        <CreateDate>2026-03-04T05:06:07Z</CreateDate>
      </member>
    </Users>
    <IsTruncated>true</IsTruncated>
    <Marker>MARKER</Marker>
  </ListUsersResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</ListUsersResponse>
`},
		{"CreateAccessKey", "UserName=ann", `<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <CreateAccessKeyResult>
    <AccessKey>
      <UserName>ann</UserName>
      <AccessKeyId>AKIAID</AccessKeyId>
      <Status>Active</Status>
      <SecretAccessKey>SECRET</SecretAccessKey>
      <CreateDate>2026-03-04T05:06:07Z</CreateDate>
    </AccessKey>
  </CreateAccessKeyResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</CreateAccessKeyResponse>
`},
		{"ListGroupsForUser", "UserName=ann", `<ListGroupsForUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <ListGroupsForUserResult>
    <Groups></Groups>
    <IsTruncated>false</IsTruncated>
  </ListGroupsForUserResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</ListGroupsForUserResponse>
`},
		{"GetPolicy", "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess", `<GetPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetPolicyResult>
    <Policy>
      <PolicyName>AdministratorAccess</PolicyName>
      <PolicyId>ANPAID</PolicyId>
      <Arn>arn:aws:iam::aws:policy/AdministratorAccess</Arn>
      <Path>/</Path>
      <DefaultVersionId>v1</DefaultVersionId>
      <AttachmentCount>0</AttachmentCount>
      <PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount>
      <IsAttachable>true</IsAttachable>
      <Description>Provides full access to AWS services and resources.</Description>
      <CreateDate>2015-02-06T18:39:46Z</CreateDate>
      <UpdateDate>2015-02-06T18:39:46Z</UpdateDate>
      <Tags></Tags>
    </Policy>
  </GetPolicyResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</GetPolicyResponse>
`},
		{"GetPolicyVersion", "PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess&VersionId=v1", `<GetPolicyVersionResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetPolicyVersionResult>
    <PolicyVersion>
      <Document>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D</Document>
      <VersionId>v1</VersionId>
      <IsDefaultVersion>true</IsDefaultVersion>
      <CreateDate>2015-02-06T18:39:46Z</CreateDate>
    </PolicyVersion>
  </GetPolicyVersionResult>
  <ResponseMetadata>
    <RequestId>REQUEST</RequestId>
  </ResponseMetadata>
</GetPolicyVersionResponse>
`},
		{"DeleteRole", "RoleName=app", `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>DeleteConflict</Code>
    <Message>Cannot delete entity, must delete policies first.</Message>
  </Error>
  <RequestId>REQUEST</RequestId>
</ErrorResponse>
`},
		{"CreateRole", "RoleName=x&AssumeRolePolicyDocument=<>", `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>MalformedPolicyDocument</Code>
    <Message>This policy contains invalid Json</Message>
  </Error>
  <RequestId>REQUEST</RequestId>
</ErrorResponse>
`},
	} {
		if got := exact(w.root.call(t, c.op, c.form)); got != c.want && c.want != "" {
			t.Errorf("%s %s:\n%s\nwant\n%s", c.op, c.form, got, c.want)
		}
	}
}

// TestTheCauseOfABadPolicyIsForTheOperator holds that the client reads IAM's
// sentence, and the log has the place.
func TestTheCauseOfABadPolicyIsForTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.call(t, "CreatePolicy", `PolicyName=x&PolicyDocument={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"nocolon","Resource":"*"}]}`)
	w.mu.Lock()
	defer w.mu.Unlock()
	ev := w.events[len(w.events)-1]
	if ev.Fault != "MalformedPolicyDocument" || ev.Msg != "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc." || ev.Cause == nil || !strings.Contains(ev.Cause.Error(), "statement 1, Action") {
		t.Errorf("%s %q because %v", ev.Fault, ev.Msg, ev.Cause)
	}
}

// TestTheCauseOfABadIssuerIsForTheOperator holds the same of an issuer's address,
// and that the log says what can be done.
func TestTheCauseOfABadIssuerIsForTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for address, want := range map[string]string{"http://idp.example.com": `scheme "http", not https; issuer of`, "https://idp.example.com:8443/r": `port "8443", where none may be; issuer of`} {
		w.root.call(t, "CreateOpenIDConnectProvider", "Url="+url.QueryEscape(address))
		w.mu.Lock()
		ev := w.events[len(w.events)-1]
		w.mu.Unlock()
		if ev.Msg != "Invalid Open ID Connect Provider URL" || ev.Cause == nil || !strings.Contains(ev.Cause.Error(), want) {
			t.Errorf("%s: %q because %v", address, ev.Msg, ev.Cause)
		}
	}
}

var onlyEncoded = regexp.MustCompile(`^([A-Za-z0-9._~-]|%[0-9A-F]{2})*$`)

// TestDocumentsComeBackAsSubmitted holds that a document is answered
// percent-encoded (RFC 3986), and is the same again once decoded.
func TestDocumentsComeBackAsSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.must(t, "CreateUser", "UserName=ann")
	latin := &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x20, Hi: 0xff, Stride: 1}}, LatinOffset: 1} // what the service model allows
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.StringOfN(rapid.RuneFrom(nil, latin), 0, 40, -1).Filter(func(s string) bool { return !strings.ContainsAny(s, `"\`) }).Draw(rt, "id")
		space := rapid.StringOfN(rapid.RuneFrom([]rune(" \t\r\n")), 0, 5, -1).Draw(rt, "space")
		text := space + `{"Id":"` + id + `",` + space + `"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}` + space
		w.root.must(t, "PutUserPolicy", "UserName=ann&PolicyName=p&PolicyDocument={text}", map[string]string{"text": text})
		encoded := w.root.must(t, "GetUserPolicy", "UserName=ann&PolicyName=p").one("PolicyDocument")
		if got, err := url.PathUnescape(encoded); err != nil || got != text || !onlyEncoded.MatchString(encoded) {
			rt.Fatalf("%q comes back as %s: %v", text, encoded, err)
		}
	})
}

// TestMetadataComesBackAsSubmitted holds that a metadata document is the same to
// the byte after a client has read it from the XML around it.
func TestMetadataComesBackAsSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := strings.ReplaceAll(documents["metadata"], "\n", "\r\n\t") + "<!-- <![CDATA[ ]]> & é 日 -->\n"
	w.root.must(t, "CreateSAMLProvider", "Name=Staff&SAMLMetadataDocument={text}", map[string]string{"text": text})
	var got struct {
		Document string `xml:"GetSAMLProviderResult>SAMLMetadataDocument"`
	}
	if err := xml.Unmarshal([]byte(w.root.must(t, "GetSAMLProvider", "SAMLProviderArn="+samlARN).body), &got); err != nil || got.Document != text {
		t.Errorf("%q, %v, want %q", got.Document, err, text)
	}
}
