package iam_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// step is a request and what it must come to: "" for a success, whose answer must
// have the pieces, and lack those that begin with "!".
type step struct {
	op, form, want string
	has            []string
}

// sections are the operations, told as stories. Each begins with an empty
// account.
var sections = map[string][]step{
	"OIDC providers": oidcSteps,
	"SAML providers": samlSteps,
	"roles":          roleSteps,
	"users":          userSteps,
	"access keys":    keySteps,
	"policies":       policySteps,
}

// never are operations that cannot do one of the two.
var never = map[string]string{
	"GetLoginProfile success":            "nobody has a password",
	"DeleteLoginProfile success":         "nobody has a password",
	"ListOpenIDConnectProviders refusal": "it takes nothing",
	"ListSAMLProviders refusal":          "it takes nothing",
}

// TestOperations tells the stories, and holds that every operation is seen to
// succeed and to fail.
func TestOperations(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	t.Run("stories", func(t *testing.T) {
		for name, steps := range sections {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, made := newWorld(t), map[string]string{}
				for i, s := range steps {
					a := w.root.call(t, s.op, s.form, made)
					if s.op == "CreateAccessKey" && a.status == 200 {
						made["key"] = a.one("AccessKeyId")
					}
					if s.want = strings.ReplaceAll(s.want, "{key}", made["key"]); a.String() != s.want {
						t.Errorf("step %d, %s %.200s:\n got %q\nwant %q", i+1, s.op, s.form, a, s.want)
					}
					for _, piece := range s.has {
						without, not := strings.CutPrefix(piece, "!")
						if strings.Contains(a.flat(), without) == not {
							t.Errorf("step %d, %s %.200s: want %s in\n%s", i+1, s.op, s.form, piece, a.body)
						}
					}
					mu.Lock()
					seen[s.op+map[bool]string{true: " success", false: " refusal"}[a.status == 200]] = true
					mu.Unlock()
				}
			})
		}
	})
	for _, op := range newWorld(t).service.Wire().Ops {
		for _, way := range []string{op.Name + " success", op.Name + " refusal"} {
			if !seen[way] && never[way] == "" {
				t.Errorf("not seen: %s", way)
			}
		}
	}
	for _, way := range slices.Sorted(maps.Keys(never)) {
		if seen[way] {
			t.Errorf("seen: %s, although %s", way, never[way])
		}
	}
}

const (
	oidcARN    = "arn:aws:iam::" + account + ":oidc-provider/idp.example.com/r"
	noOIDC     = "404 NoSuchEntity: OpenIDConnect Provider not found for arn " + oidcARN
	samlARN    = "arn:aws:iam::" + account + ":saml-provider/Staff"
	noSAML     = "404 NoSuchEntity: SAMLProvider " + samlARN + " not found"
	twice      = "400 InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive."
	reserved   = "400 InvalidInput: Tag keys that begin with aws: are reserved."
	noRole     = "404 NoSuchEntity: The role with name nobody cannot be found."
	noUser     = "404 NoSuchEntity: The user with name nobody cannot be found."
	polARN     = "arn:aws:iam::" + account + ":policy/team/Read"
	awsARN     = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	noPolicy   = "404 NoSuchEntity: Policy " + polARN + " was not found."
	noARN      = "400 ValidationError: Invalid ARN:  Could not be parsed!"
	notChanged = "403 AccessDenied: Policy " + awsARN + " is managed by AWS and cannot be changed."
	badMarker  = "400 ValidationError: The Marker is not valid."
	noBoundary = "400 InvalidInput: This version of idpool does not support permissions boundaries."
	nameChars  = " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
	pathChars  = " is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
	prefixChar = "400 ValidationError: The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters and/or / characters."
	oneError   = "400 ValidationError: 1 validation error detected: "
	badJSON    = "400 MalformedPolicyDocument: This policy contains invalid Json"
	badSyntax  = "400 MalformedPolicyDocument: Syntax errors in policy."
	badVersion = "404 NoSuchEntity: Policy " + polARN + " version v9 does not exist or is not attachable."
)

var oidcSteps = []step{
	{"GetOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, noOIDC, nil},
	{"CreateOpenIDConnectProvider", "Url=http://idp.example.com/r", "400 ValidationError: Invalid Open ID Connect Provider URL", nil},
	{"CreateOpenIDConnectProvider", "Url=https://idp.example.com/r&ClientIDList.member.1=web&ThumbprintList.member.1={thumbprint}&Tags.member.1.Key=b&Tags.member.1.Value=2&Tags.member.2.Key=a&Tags.member.2.Value=1", "",
		[]string{"<OpenIDConnectProviderArn>" + oidcARN + "</OpenIDConnectProviderArn>"}},
	{"CreateOpenIDConnectProvider", "Url=https://idp.example.com/r", "409 EntityAlreadyExists: Provider with url https://idp.example.com/r already exists.", nil},
	{"GetOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, "", []string{"<Url>idp.example.com/r</Url><ClientIDList><member>web</member></ClientIDList>", "<Tags><member><Key>a</Key><Value>1</Value></member><member><Key>b</Key><Value>2</Value></member></Tags>"}},
	{"AddClientIDToOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&ClientID=app", "", nil},
	{"AddClientIDToOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "x&ClientID=app", "404 NoSuchEntity: OpenIDConnect Provider not found for arn " + oidcARN + "x", nil},
	{"RemoveClientIDFromOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&ClientID=web", "", nil},
	{"RemoveClientIDFromOpenIDConnectProvider", "OpenIDConnectProviderArn=" + samlARN + "&ClientID=web", "400 InvalidInput: Invalid ARN of an OpenIDConnect provider: " + samlARN, nil},
	{"UpdateOpenIDConnectProviderThumbprint", "OpenIDConnectProviderArn=" + oidcARN + "&ThumbprintList=", "", nil},
	{"UpdateOpenIDConnectProviderThumbprint", "OpenIDConnectProviderArn=" + oidcARN, oneError + "Value null at 'thumbprintList' failed to satisfy constraint: Member must not be null", nil},
	{"GetOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, "", []string{"<ClientIDList><member>app</member></ClientIDList><ThumbprintList></ThumbprintList>"}},
	{"ListOpenIDConnectProviders", "", "", []string{"<OpenIDConnectProviderList><member><Arn>" + oidcARN + "</Arn></member></OpenIDConnectProviderList>"}},
	{"TagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&Tags.member.1.Key=A&Tags.member.1.Value=3&Tags.member.2.Key=c&Tags.member.2.Value=", "", nil},
	{"TagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&Tags.member.1.Key=A&Tags.member.1.Value=3&Tags.member.2.Key=a&Tags.member.2.Value=4", twice, nil},
	{"TagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&Tags.member.1.Key=AWS:x&Tags.member.1.Value=3", reserved, nil},
	{"ListOpenIDConnectProviderTags", "OpenIDConnectProviderArn=" + oidcARN, "", []string{
		"<Tags><member><Key>A</Key><Value>3</Value></member><member><Key>b</Key><Value>2</Value></member><member><Key>c</Key><Value></Value></member></Tags><IsTruncated>false</IsTruncated>"}},
	{"UntagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&TagKeys.member.1=C&TagKeys.member.2=nothing", "", nil},
	{"ListOpenIDConnectProviderTags", "OpenIDConnectProviderArn=" + oidcARN, "", []string{"!<Key>c</Key>", "<Key>A</Key>", "<Key>b</Key>"}},
	{"ListOpenIDConnectProviderTags", "OpenIDConnectProviderArn=" + oidcARN + "&Marker=x", badMarker, nil},
	{"DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, "", nil},
	{"DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, "", nil}, // counts as deleted
	{"DeleteOpenIDConnectProvider", "OpenIDConnectProviderArn=" + samlARN, "400 InvalidInput: Invalid ARN of an OpenIDConnect provider: " + samlARN, nil},
	{"ListOpenIDConnectProviderTags", "OpenIDConnectProviderArn=" + oidcARN, noOIDC, nil},
	{"UntagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&TagKeys.member.1=C", noOIDC, nil},
	{"TagOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN + "&Tags.member.1.Key=a&Tags.member.1.Value=", noOIDC, nil},
}

var samlSteps = []step{
	{"CreateSAMLProvider", "Name=Staff&SAMLMetadataDocument={metadata}&Tags.member.1.Key=a&Tags.member.1.Value=1", "", []string{"<SAMLProviderArn>" + samlARN + "</SAMLProviderArn><Tags><member><Key>a</Key><Value>1</Value></member></Tags>"}},
	{"CreateSAMLProvider", "Name=STAFF&SAMLMetadataDocument={metadata}", "409 EntityAlreadyExists: SAMLProvider with name STAFF already exists.", nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument={doctype}", "400 InvalidInput: Could not parse metadata", nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument={doc6144}", "400 InvalidInput: Could not parse metadata", nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument=short", oneError + "Value 'short' at 'sAMLMetadataDocument' failed to satisfy constraint: Member must have length greater than or equal to 1000", nil},
	{"CreateSAMLProvider", "Name=a/b&SAMLMetadataDocument={metadata}", oneError + `Value 'a/b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w._-]+`, nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument={metadata}&Tags.member.1.Key=aws:a&Tags.member.1.Value=1", reserved, nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument={metadata}&AssertionEncryptionMode=Required", "400 InvalidInput: This version of idpool does not support encrypted assertions.", nil},
	{"CreateSAMLProvider", "Name=X&SAMLMetadataDocument={metadata}&AddPrivateKey=k", "400 InvalidInput: This version of idpool does not support encrypted assertions.", nil},
	{"GetSAMLProvider", "SAMLProviderArn=" + samlARN, "", []string{"<SAMLProviderUUID>ASPA", "&lt;md:EntityDescriptor xmlns=&#34;", "<CreateDate>2026-03-04T05:06:07Z</CreateDate><ValidUntil>2126-03-04T05:06:07Z</ValidUntil><Tags><member><Key>a</Key>"}},
	{"GetSAMLProvider", "SAMLProviderArn=" + samlARN + "x", "404 NoSuchEntity: SAMLProvider " + samlARN + "x not found", nil},
	{"GetSAMLProvider", "SAMLProviderArn=" + oidcARN, "400 InvalidInput: Invalid ARN of a SAML provider: " + oidcARN, nil},
	{"GetSAMLProvider", "SAMLProviderArn=arn:aws:iam::" + account + ":saml-provider/x/Staff", "400 InvalidInput: Invalid ARN of a SAML provider: arn:aws:iam::" + account + ":saml-provider/x/Staff", nil},
	{"UpdateSAMLProvider", "SAMLProviderArn=" + samlARN + "&SAMLMetadataDocument={metadata2}", "", []string{"<UpdateSAMLProviderResult><SAMLProviderArn>" + samlARN + "</SAMLProviderArn></UpdateSAMLProviderResult>"}},
	{"UpdateSAMLProvider", "SAMLProviderArn=" + samlARN, "", nil}, // nothing to change
	{"UpdateSAMLProvider", "SAMLProviderArn=" + samlARN + "&SAMLMetadataDocument={doctype}", "400 InvalidInput: Could not parse metadata", nil},
	{"UpdateSAMLProvider", "SAMLProviderArn=" + samlARN + "&RemovePrivateKey=ABCDEFGHIJKLMNOPQRSTUV", "400 InvalidInput: This version of idpool does not support encrypted assertions.", nil},
	{"UpdateSAMLProvider", "SAMLProviderArn=" + samlARN + "x&SAMLMetadataDocument={metadata}", "404 NoSuchEntity: SAMLProvider " + samlARN + "x not found", nil},
	{"ListSAMLProviders", "", "", []string{"<SAMLProviderList><member><Arn>" + samlARN + "</Arn><ValidUntil>2030-01-02T03:04:05Z</ValidUntil><CreateDate>2026-03-04T05:06:07Z</CreateDate></member></SAMLProviderList>"}},
	{"TagSAMLProvider", "SAMLProviderArn=" + samlARN + "&Tags.member.1.Key=b&Tags.member.1.Value=2", "", nil},
	{"UntagSAMLProvider", "SAMLProviderArn=" + samlARN + "&TagKeys.member.1=a", "", nil},
	{"ListSAMLProviderTags", "SAMLProviderArn=" + samlARN, "", []string{"<Tags><member><Key>b</Key><Value>2</Value></member></Tags><IsTruncated>false</IsTruncated>"}},
	{"DeleteSAMLProvider", "SAMLProviderArn=" + samlARN, "", nil},
	{"DeleteSAMLProvider", "SAMLProviderArn=" + samlARN, noSAML, nil},
	{"TagSAMLProvider", "SAMLProviderArn=" + samlARN + "&Tags.member.1.Key=b&Tags.member.1.Value=2", noSAML, nil},
	{"UntagSAMLProvider", "SAMLProviderArn=" + samlARN + "&TagKeys.member.1=a", noSAML, nil},
	{"ListSAMLProviderTags", "SAMLProviderArn=" + samlARN, noSAML, nil},
}

var roleSteps = []step{
	{"ListRoles", "", "", []string{"<Roles></Roles><IsTruncated>false</IsTruncated></ListRolesResult>"}},
	{"CreateRole", "RoleName=App&Path=/team/&AssumeRolePolicyDocument={trust}&Description=It%27s a role&MaxSessionDuration=7200&Tags.member.1.Key=k&Tags.member.1.Value=v", "", []string{
		"<Path>/team/</Path><RoleName>App</RoleName><RoleId>AROA", "<Arn>arn:aws:iam::" + account + ":role/team/App</Arn><CreateDate>2026-03-04T05:06:07Z</CreateDate>",
		"<Tags><member><Key>k</Key><Value>v</Value></member></Tags>", "!MaxSessionDuration", "!RoleLastUsed"}},
	{"CreateRole", "RoleName=APP&AssumeRolePolicyDocument={trust}", "409 EntityAlreadyExists: Role with name APP already exists.", nil},
	{"CreateRole", "RoleName=a b&AssumeRolePolicyDocument={trust}", "400 ValidationError: The specified value for roleName" + nameChars, nil},
	{"CreateRole", "RoleName={long65}&AssumeRolePolicyDocument={trust}", oneError + "Value '" + documents["long65"] + "' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64", nil},
	{"CreateRole", "RoleName=X&Path=team/&AssumeRolePolicyDocument={trust}", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreateRole", "RoleName=X&Path=/team&AssumeRolePolicyDocument={trust}", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreateRole", "RoleName=X&Path=/a//b/&AssumeRolePolicyDocument={trust}", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreateRole", "RoleName=X&Path=/a b/&AssumeRolePolicyDocument={trust}", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust}&PermissionsBoundary=" + awsARN, noBoundary, nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust}&MaxSessionDuration=3599", oneError + "Value '3599' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600", nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust}&Description=a%80b", "400 MalformedInput: a field is not valid UTF-8", nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust}&Description=a%C2%80b", oneError + "Value 'a\u0080b' at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: " + `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`, nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument=nonsense", badJSON, nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={doc}", "400 MalformedPolicyDocument: Missing required field Principal", nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument=%E2%82%AC", oneError + "Value '€' at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must satisfy regular expression pattern: " + `[\u0009\u000A\u000D\u0020-\u00FF]+`, nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust2049}", "409 LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048", nil},
	{"CreateRole", "RoleName=X&AssumeRolePolicyDocument={trust}&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=K&Tags.member.2.Value=v", twice, nil},
	{"CreateRole", "RoleName={long64}&Path={path512}&AssumeRolePolicyDocument={trust2048}", "", nil},
	{"CreateRole", "RoleName=X&Path={path513}&AssumeRolePolicyDocument={trust}", oneError + "Value '" + documents["path513"] + "' at 'path' failed to satisfy constraint: Member must have length less than or equal to 512", nil},
	{"GetRole", "RoleName=app", "", []string{"<RoleName>App</RoleName>", "<Description>It&#39;s a role</Description><MaxSessionDuration>7200</MaxSessionDuration><Tags>", "<RoleLastUsed></RoleLastUsed>"}},
	{"GetRole", "RoleName=nobody", noRole, nil},
	{"GetRole", "RoleName=no body", "400 ValidationError: The specified value for roleName" + nameChars, nil},
	{"ListRoles", "PathPrefix=/team/", "", []string{"<RoleName>App</RoleName>", "<MaxSessionDuration>7200</MaxSessionDuration>", "!<Tags>", "!RoleLastUsed", "!<RoleName>aaa"}},
	{"ListRoles", "PathPrefix=team", prefixChar, nil},
	{"ListRoles", "MaxItems=0", oneError + "Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1", nil},
	{"UpdateRole", "RoleName=App", "", []string{"<UpdateRoleResult></UpdateRoleResult>"}},
	{"GetRole", "RoleName=App", "", []string{"<Description>It&#39;s a role</Description><MaxSessionDuration>7200</MaxSessionDuration>"}}, // what is not given stays
	{"UpdateRole", "RoleName=App&Description=&MaxSessionDuration=43200", "", nil},
	{"UpdateRole", "RoleName=nobody&Description=x", noRole, nil},
	{"GetRole", "RoleName=App", "", []string{"!Description", "<MaxSessionDuration>43200</MaxSessionDuration>"}},
	{"UpdateRoleDescription", "RoleName=App&Description=New", "", []string{"<UpdateRoleDescriptionResult><Role><Path>/team/</Path>", "<Description>New</Description><MaxSessionDuration>43200</MaxSessionDuration></Role>"}},
	{"UpdateRoleDescription", "RoleName=nobody&Description=New", noRole, nil},
	{"UpdateAssumeRolePolicy", "RoleName=App&PolicyDocument={trust2}", "", []string{"!Result"}},
	{"UpdateAssumeRolePolicy", "RoleName=App&PolicyDocument={doc}", "400 MalformedPolicyDocument: Missing required field Principal", nil},
	{"UpdateAssumeRolePolicy", "RoleName=App&PolicyDocument={trust2049}", "409 LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048", nil},
	{"UpdateAssumeRolePolicy", "RoleName=nobody&PolicyDocument={trust}", noRole, nil},
	{"GetRole", "RoleName=App", "", []string{"sts%3AAssumeRole%22%7D", "!WebIdentity"}},

	{"PutRolePolicy", "RoleName=App&PolicyName=Read&PolicyDocument={doc}", "", []string{"!Result"}},
	{"PutRolePolicy", "RoleName=App&PolicyName=Deny&PolicyDocument={doc2}", "", nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=READ&PolicyDocument={doc2}", "", nil}, // takes the place of Read
	{"ListRolePolicies", "RoleName=App", "", []string{"<PolicyNames><member>Deny</member><member>READ</member></PolicyNames><IsTruncated>false</IsTruncated>"}},
	{"ListRolePolicies", "RoleName=nobody", noRole, nil},
	{"GetRolePolicy", "RoleName=app&PolicyName=read", "", []string{"<RoleName>App</RoleName><PolicyName>READ</PolicyName><PolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Deny%22"}},
	{"GetRolePolicy", "RoleName=App&PolicyName=None", "404 NoSuchEntity: The role policy with name None cannot be found.", nil},
	{"GetRolePolicy", "RoleName=nobody&PolicyName=None", noRole, nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=a/b&PolicyDocument={doc}", "400 ValidationError: The specified value for policyName" + nameChars, nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=X&PolicyDocument={trust}", "400 MalformedPolicyDocument: Policy document should not specify a principal.", nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=X&PolicyDocument=nonsense", badSyntax, nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=X&PolicyDocument={doc10240}", "409 LimitExceeded: Maximum policy size of 10240 bytes exceeded for role App", nil}, // with the others
	{"PutRolePolicy", "RoleName=nobody&PolicyName=X&PolicyDocument={doc}", noRole, nil},
	{"DeleteRole", "RoleName=App", "409 DeleteConflict: Cannot delete entity, must delete policies first.", nil},
	{"DeleteRolePolicy", "RoleName=App&PolicyName=read", "", nil},
	{"DeleteRolePolicy", "RoleName=App&PolicyName=read", "404 NoSuchEntity: The role policy with name read cannot be found.", nil},
	{"DeleteRolePolicy", "RoleName=App&PolicyName=Deny", "", nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=X&PolicyDocument={doc10241}", "409 LimitExceeded: Maximum policy size of 10240 bytes exceeded for role App", nil},
	{"PutRolePolicy", "RoleName=App&PolicyName=X&PolicyDocument={doc10240}", "", nil},
	{"DeleteRolePolicy", "RoleName=App&PolicyName=X", "", nil},

	{"AttachRolePolicy", "RoleName=App&PolicyArn=" + awsARN, "", nil},
	{"AttachRolePolicy", "RoleName=App&PolicyArn=" + awsARN, "", nil}, // again
	{"AttachRolePolicy", "RoleName=App&PolicyArn=" + polARN, "404 NoSuchEntity: Policy " + polARN + " does not exist or is not attachable.", nil},
	{"AttachRolePolicy", "RoleName=App&PolicyArn=" + awsARN + "x", "404 NoSuchEntity: Policy " + awsARN + "x does not exist or is not attachable.", nil},
	{"AttachRolePolicy", "RoleName=App&PolicyArn=ReadOnlyAccessPolicyName", noARN, nil},
	{"AttachRolePolicy", "RoleName=App&PolicyArn=arn:aws:iam::" + account + ":role/App", "400 ValidationError: ARN arn:aws:iam::" + account + ":role/App is not valid.", nil},
	{"AttachRolePolicy", "RoleName=nobody&PolicyArn=" + awsARN, noRole, nil},
	{"ListAttachedRolePolicies", "RoleName=App", "", []string{"<AttachedPolicies><member><PolicyName>ReadOnlyAccess</PolicyName><PolicyArn>" + awsARN + "</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"}},
	{"ListAttachedRolePolicies", "RoleName=App&PathPrefix=/team/", "", []string{"<AttachedPolicies></AttachedPolicies>"}},
	{"ListAttachedRolePolicies", "RoleName=App&PathPrefix=x", prefixChar, nil},
	{"ListAttachedRolePolicies", "RoleName=nobody", noRole, nil},
	{"DeleteRole", "RoleName=App", "409 DeleteConflict: Cannot delete entity, must detach all policies first.", nil},
	{"DetachRolePolicy", "RoleName=App&PolicyArn=" + awsARN, "", nil},
	{"DetachRolePolicy", "RoleName=App&PolicyArn=" + awsARN, "404 NoSuchEntity: Policy " + awsARN + " was not found.", nil},
	{"DetachRolePolicy", "RoleName=App&PolicyArn=ReadOnlyAccessPolicyName", noARN, nil},

	{"TagRole", "RoleName=App&Tags.member.1.Key=K&Tags.member.1.Value=w&Tags.member.2.Key=a&Tags.member.2.Value=b", "", nil},
	{"TagRole", "RoleName=App&Tags.member.1.Key=a*&Tags.member.1.Value=w", oneError + `Value 'a*' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`, nil},
	{"TagRole", "RoleName=nobody&Tags.member.1.Key=a&Tags.member.1.Value=", noRole, nil},
	{"ListRoleTags", "RoleName=App", "", []string{"<Tags><member><Key>K</Key><Value>w</Value></member><member><Key>a</Key><Value>b</Value></member></Tags><IsTruncated>false</IsTruncated>"}},
	{"ListRoleTags", "RoleName=nobody", noRole, nil},
	{"UntagRole", "RoleName=App&TagKeys.member.1=k&TagKeys.member.2=A", "", nil},
	{"UntagRole", "RoleName=nobody&TagKeys.member.1=k", noRole, nil},
	{"ListRoleTags", "RoleName=App", "", []string{"<Tags></Tags>"}},
	{"ListInstanceProfilesForRole", "RoleName=App", "", []string{"<InstanceProfiles></InstanceProfiles><IsTruncated>false</IsTruncated>"}},
	{"ListInstanceProfilesForRole", "RoleName=nobody", noRole, nil},
	{"DeleteRole", "RoleName=app", "", []string{"!Result"}},
	{"DeleteRole", "RoleName=nobody", noRole, nil},
	{"GetRole", "RoleName=App", "404 NoSuchEntity: The role with name App cannot be found.", nil},
}

var userSteps = []step{
	{"GetUser", "", "", []string{"<User><UserId>" + account + "</UserId><Arn>arn:aws:iam::" + account + ":root</Arn><CreateDate>2026-03-04T05:06:07Z</CreateDate></User>"}}, // the caller
	{"CreateUser", "UserName=Ann&Path=/staff/&Tags.member.1.Key=k&Tags.member.1.Value=v", "", []string{
		"<User><Path>/staff/</Path><UserName>Ann</UserName><UserId>AIDA", "<Arn>arn:aws:iam::" + account + ":user/staff/Ann</Arn><CreateDate>2026-03-04T05:06:07Z</CreateDate><Tags><member>"}},
	{"CreateUser", "UserName=ann", "409 EntityAlreadyExists: User with name ann already exists.", nil},
	{"CreateUser", "UserName=a:b", "400 ValidationError: The specified value for userName" + nameChars, nil},
	{"CreateUser", "UserName=X&Path=x", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreateUser", "UserName=X&PermissionsBoundary=" + awsARN, noBoundary, nil},
	{"CreateUser", "UserName=X&Tags.member.1.Key=aws:k&Tags.member.1.Value=v", reserved, nil},
	{"CreateUser", "UserName=Bob", "", []string{"<Path>/</Path>", "!Tags"}},
	{"GetUser", "UserName=ann", "", []string{"<UserName>Ann</UserName>", "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>"}},
	{"GetUser", "UserName=nobody", noUser, nil},
	{"GetUser", "UserName={long129}", oneError + "Value '" + documents["long129"] + "' at 'userName' failed to satisfy constraint: Member must have length less than or equal to 128", nil},
	{"ListUsers", "", "", []string{"<UserName>Ann</UserName>", "<UserName>Bob</UserName>", "!<Tags>"}},
	{"ListUsers", "PathPrefix=/staff", "", []string{"<UserName>Ann</UserName>", "!Bob"}},
	{"ListUsers", "Marker=x", badMarker, nil},
	{"UpdateUser", "UserName=Ann&NewUserName=bob", "409 EntityAlreadyExists: User with name bob already exists.", nil},
	{"UpdateUser", "UserName=nobody&NewUserName=bob", noUser, nil},
	{"UpdateUser", "UserName=Ann&NewUserName=a/b", "400 ValidationError: The specified value for newUserName" + nameChars, nil},
	{"UpdateUser", "UserName=Ann&NewPath=a/b", "400 ValidationError: The specified value for newPath" + pathChars, nil},
	{"UpdateUser", "UserName=Ann&NewUserName=Anna", "", []string{"!Result"}},
	{"GetUser", "UserName=Ann", "404 NoSuchEntity: The user with name Ann cannot be found.", nil},
	{"GetUser", "UserName=Anna", "", []string{"<Path>/staff/</Path>", "<Arn>arn:aws:iam::" + account + ":user/staff/Anna</Arn>", "<Key>k</Key>"}},
	{"UpdateUser", "UserName=anna&NewUserName=ANNA&NewPath=/", "", nil}, // the case only, and the path
	{"GetUser", "UserName=Anna", "", []string{"<Path>/</Path><UserName>ANNA</UserName>"}},

	{"PutUserPolicy", "UserName=ANNA&PolicyName=Read&PolicyDocument={doc}", "", nil},
	{"PutUserPolicy", "UserName=ANNA&PolicyName=Big&PolicyDocument={doc2048}", "409 LimitExceeded: Maximum policy size of 2048 bytes exceeded for user ANNA", nil},
	{"PutUserPolicy", "UserName=Bob&PolicyName=Big&PolicyDocument={doc2049}", "409 LimitExceeded: Maximum policy size of 2048 bytes exceeded for user Bob", nil},
	{"PutUserPolicy", "UserName=Bob&PolicyName=Big&PolicyDocument={doc2048}", "", nil},
	{"PutUserPolicy", "UserName=Bob&PolicyName=big&PolicyDocument={doc2048}", "", nil}, // in its place
	{"PutUserPolicy", "UserName=Bob&PolicyName=x&PolicyDocument=nonsense", badSyntax, nil},
	{"PutUserPolicy", "UserName=nobody&PolicyName=x&PolicyDocument={doc}", noUser, nil},
	{"GetUserPolicy", "UserName=ANNA&PolicyName=Read", "", []string{"<UserName>ANNA</UserName><PolicyName>Read</PolicyName><PolicyDocument>%7B%22", "%24%7Baws%3APrincipalTag%2Fteam%7D%2F%2A"}},
	{"GetUserPolicy", "UserName=ANNA&PolicyName=None", "404 NoSuchEntity: The user policy with name None cannot be found.", nil},
	{"ListUserPolicies", "UserName=ANNA", "", []string{"<PolicyNames><member>Read</member></PolicyNames>"}},
	{"ListUserPolicies", "UserName=nobody", noUser, nil},
	{"DeleteUser", "UserName=ANNA", "409 DeleteConflict: Cannot delete entity, must delete policies first.", nil},
	{"DeleteUserPolicy", "UserName=ANNA&PolicyName=Read", "", nil},
	{"DeleteUserPolicy", "UserName=ANNA&PolicyName=Read", "404 NoSuchEntity: The user policy with name Read cannot be found.", nil},
	{"AttachUserPolicy", "UserName=ANNA&PolicyArn=" + awsARN, "", nil},
	{"AttachUserPolicy", "UserName=nobody&PolicyArn=" + awsARN, noUser, nil},
	{"AttachUserPolicy", "UserName=ANNA&PolicyArn=" + polARN, "404 NoSuchEntity: Policy " + polARN + " does not exist or is not attachable.", nil},
	{"ListAttachedUserPolicies", "UserName=ANNA", "", []string{"<PolicyArn>" + awsARN + "</PolicyArn>"}},
	{"ListAttachedUserPolicies", "UserName=nobody", noUser, nil},
	{"DeleteUser", "UserName=ANNA", "409 DeleteConflict: Cannot delete entity, must detach all policies first.", nil},
	{"DetachUserPolicy", "UserName=ANNA&PolicyArn=" + awsARN, "", nil},
	{"DetachUserPolicy", "UserName=ANNA&PolicyArn=" + awsARN, "404 NoSuchEntity: Policy " + awsARN + " was not found.", nil},

	{"TagUser", "UserName=ANNA&Tags.member.1.Key=a&Tags.member.1.Value=b", "", nil},
	{"TagUser", "UserName=nobody&Tags.member.1.Key=a&Tags.member.1.Value=b", noUser, nil},
	{"UntagUser", "UserName=ANNA&TagKeys.member.1=k", "", nil},
	{"UntagUser", "UserName=nobody&TagKeys.member.1=k", noUser, nil},
	{"ListUserTags", "UserName=ANNA", "", []string{"<Tags><member><Key>a</Key><Value>b</Value></member></Tags>"}},
	{"ListUserTags", "UserName=nobody", noUser, nil},

	{"ListGroupsForUser", "UserName=ANNA", "", []string{"<Groups></Groups><IsTruncated>false</IsTruncated>"}},
	{"ListGroupsForUser", "UserName=nobody", noUser, nil},
	{"ListMFADevices", "UserName=ANNA", "", []string{"<MFADevices></MFADevices><IsTruncated>false</IsTruncated>"}},
	{"ListMFADevices", "", "", nil}, // of the root
	{"ListMFADevices", "UserName=nobody", noUser, nil},
	{"ListVirtualMFADevices", "AssignmentStatus=Assigned", "", []string{"<VirtualMFADevices></VirtualMFADevices><IsTruncated>false</IsTruncated>"}},
	{"ListVirtualMFADevices", "AssignmentStatus=x", oneError + "Value 'x' at 'assignmentStatus' failed to satisfy constraint: Member must satisfy enum value set: [Any, Assigned, Unassigned]", nil},
	{"ListSSHPublicKeys", "UserName=ANNA", "", []string{"<SSHPublicKeys></SSHPublicKeys>"}},
	{"ListSSHPublicKeys", "UserName=nobody", noUser, nil},
	{"ListSigningCertificates", "UserName=ANNA", "", []string{"<Certificates></Certificates>"}},
	{"ListSigningCertificates", "UserName=nobody", noUser, nil},
	{"ListServiceSpecificCredentials", "UserName=ANNA", "", []string{"<ServiceSpecificCredentials></ServiceSpecificCredentials>"}},
	{"ListServiceSpecificCredentials", "AllUsers=true", "", nil},
	{"ListServiceSpecificCredentials", "UserName=nobody", noUser, nil},
	{"GetLoginProfile", "UserName=ANNA", "404 NoSuchEntity: Login Profile for User ANNA cannot be found.", nil},
	{"GetLoginProfile", "UserName=nobody", noUser, nil},
	{"GetLoginProfile", "", "404 NoSuchEntity: Login Profile for User root cannot be found.", nil},
	{"DeleteLoginProfile", "UserName=ANNA", "404 NoSuchEntity: Login Profile for User ANNA cannot be found.", nil},
	{"DeleteUser", "UserName=anna", "", []string{"!Result"}},
	{"DeleteUser", "UserName=nobody", noUser, nil},
	{"GetUser", "UserName=ANNA", "404 NoSuchEntity: The user with name ANNA cannot be found.", nil},
}

var keySteps = []step{
	{"CreateUser", "UserName=Ann", "", nil},
	{"CreateAccessKey", "UserName=nobody", noUser, nil},
	{"CreateAccessKey", "UserName=ann", "", []string{"<AccessKey><UserName>Ann</UserName><AccessKeyId>AKIA", "<Status>Active</Status><SecretAccessKey>", "<CreateDate>2026-03-04T05:06:07Z</CreateDate></AccessKey>"}},
	{"CreateAccessKey", "UserName=Ann", "", nil},
	{"CreateAccessKey", "UserName=Ann", "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2", nil},
	{"ListAccessKeys", "UserName=Ann", "", []string{"<AccessKeyMetadata><member><UserName>Ann</UserName><AccessKeyId>AKIA", "!Secret"}},
	{"ListAccessKeys", "UserName=nobody", noUser, nil},
	{"ListAccessKeys", "", "", []string{"<AccessKeyMetadata><member><AccessKeyId>AKIA", "!UserName"}}, // of the root
	{"DeleteUser", "UserName=Ann", "409 DeleteConflict: Cannot delete entity, must delete access keys first.", nil},
	{"GetAccessKeyLastUsed", "AccessKeyId={key}", "", []string{"<UserName>Ann</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"}},
	{"UpdateAccessKey", "UserName=ann&AccessKeyId={key}&Status=Inactive", "", []string{"!Result"}},
	{"ListAccessKeys", "UserName=ann", "", []string{"<Status>Active</Status>", "<Status>Inactive</Status>"}},
	{"DeleteAccessKey", "AccessKeyId={key}", "404 NoSuchEntity: The Access Key with id {key} cannot be found.", nil}, // the root's are meant
	{"CreateUser", "UserName=Bob", "", nil},
	{"DeleteAccessKey", "UserName=Bob&AccessKeyId={key}", "404 NoSuchEntity: The Access Key with id {key} cannot be found.", nil},
	{"DeleteAccessKey", "UserName=ann&AccessKeyId={key}", "", []string{"!Result"}},
	{"ListAccessKeys", "UserName=ann", "", []string{"<Status>Active</Status>", "!Inactive"}},
	{"CreateAccessKey", "", "", []string{"<AccessKey><AccessKeyId>AKIA", "!UserName"}}, // the second of the root
	{"CreateAccessKey", "", "409 LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2", nil},
	{"GetAccessKeyLastUsed", "AccessKeyId={key}", "", []string{"!UserName"}},
	{"DeleteAccessKey", "AccessKeyId={key}", "", nil},
	{"UpdateAccessKey", "UserName=Ann&AccessKeyId=AKIAAAAAAAAAAAAAAAAA&Status=Inactive", "404 NoSuchEntity: The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.", nil},
	{"UpdateAccessKey", "UserName=Ann&AccessKeyId=AKIAAAAAAAAAAAAAAAAA&Status=Expired", "400 InvalidInput: The status of an access key can be Active or Inactive.", nil},
	{"UpdateAccessKey", "UserName=Ann&AccessKeyId=AKIAAAAAAAAAAAAAAAAA&Status=active", oneError + "Value 'active' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]", nil},
	{"DeleteAccessKey", "UserName=Ann&AccessKeyId=AKIAAAAAAAAAAAAAAAAA", "404 NoSuchEntity: The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.", nil},
	{"DeleteAccessKey", "UserName=Ann&AccessKeyId=short", oneError + "Value 'short' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16", nil},
	{"GetAccessKeyLastUsed", "AccessKeyId=AKIAAAAAAAAAAAAAAAAA", "404 NoSuchEntity: The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.", nil},
}

var policySteps = []step{
	{"GetPolicy", "PolicyArn=" + polARN, noPolicy, nil},
	{"CreatePolicy", "PolicyName=Read&Path=/team/&PolicyDocument={doc}&Description=To read&Tags.member.1.Key=k&Tags.member.1.Value=v", "", []string{
		"<Policy><PolicyName>Read</PolicyName><PolicyId>ANPA", "<Arn>" + polARN + "</Arn><Path>/team/</Path><DefaultVersionId>v1</DefaultVersionId><AttachmentCount>0</AttachmentCount>" +
			"<PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount><IsAttachable>true</IsAttachable><CreateDate>2026-03-04T05:06:07Z</CreateDate><UpdateDate>2026-03-04T05:06:07Z</UpdateDate><Tags><member>"}},
	{"CreatePolicy", "PolicyName=READ&PolicyDocument={doc}", "409 EntityAlreadyExists: A policy called READ already exists. Duplicate names are not allowed.", nil},
	{"CreatePolicy", "PolicyName=a b&PolicyDocument={doc}", "400 ValidationError: The specified value for policyName" + nameChars, nil},
	{"CreatePolicy", "PolicyName=X&Path=a&PolicyDocument={doc}", "400 ValidationError: The specified value for path" + pathChars, nil},
	{"CreatePolicy", "PolicyName=X&PolicyDocument={trust}", "400 MalformedPolicyDocument: Policy document should not specify a principal.", nil},
	{"CreatePolicy", `PolicyName=X&PolicyDocument={"Version":"2008-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`, "400 MalformedPolicyDocument: Policy document must be version 2012-10-17 or greater.", nil},
	{"CreatePolicy", "PolicyName=X&PolicyDocument={doc6145}", "409 LimitExceeded: Cannot exceed quota for PolicySize: 6144", nil},
	{"CreatePolicy", "PolicyName=X&PolicyDocument={doc}&Description={long1001}", oneError + "Value '" + documents["long1001"] + "' at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000", nil},
	{"CreatePolicy", "PolicyName=X&PolicyDocument={doc}&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.2.Key=K&Tags.member.2.Value=v", twice, nil},
	{"CreatePolicy", "PolicyName=Big&PolicyDocument={doc6144}", "", []string{"!Tags"}},
	{"GetPolicy", "PolicyArn=" + polARN, "", []string{"<IsAttachable>true</IsAttachable><Description>To read</Description>", "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>"}},
	{"GetPolicy", "PolicyArn=arn:aws:iam::" + account + ":policy/Read", "404 NoSuchEntity: Policy arn:aws:iam::" + account + ":policy/Read was not found.", nil}, // without the path
	{"GetPolicy", "PolicyArn=arn:aws:iam::" + account + ":policy/Big", "", []string{"<Tags></Tags>"}},
	{"GetPolicy", "PolicyArn=" + awsARN, "", []string{"<PolicyName>ReadOnlyAccess</PolicyName>", "<Arn>" + awsARN + "</Arn>", "<Description>Provides read-only access to AWS services and resources.</Description>"}},
	{"GetPolicy", "PolicyArn=no arn, but long enough", noARN, nil},
	{"GetPolicy", "PolicyArn=" + samlARN, "400 ValidationError: ARN " + samlARN + " is not valid.", nil},

	{"CreateRole", "RoleName=App&Path=/team/&AssumeRolePolicyDocument={trust}", "", nil},
	{"CreateUser", "UserName=Ann", "", nil},
	{"AttachRolePolicy", "RoleName=App&PolicyArn=" + polARN, "", nil},
	{"AttachUserPolicy", "UserName=Ann&PolicyArn=" + polARN, "", nil},
	{"AttachUserPolicy", "UserName=Ann&PolicyArn=" + awsARN, "", nil},
	{"GetPolicy", "PolicyArn=" + polARN, "", []string{"<AttachmentCount>2</AttachmentCount>"}},
	{"ListPolicies", "Scope=Local", "", []string{"<PolicyName>Big</PolicyName>", "<PolicyName>Read</PolicyName>", "!ReadOnlyAccess", "!Description", "!Tags"}},
	{"ListPolicies", "Scope=Local&OnlyAttached=true", "", []string{"!<PolicyName>Big</PolicyName>", "<AttachmentCount>2</AttachmentCount>"}},
	{"ListPolicies", "Scope=AWS&OnlyAttached=true", "", []string{"<PolicyName>ReadOnlyAccess</PolicyName>", "<AttachmentCount>1</AttachmentCount>", "!AdministratorAccess", "!<PolicyName>Read<"}},
	{"ListPolicies", "", "", []string{"<PolicyName>AdministratorAccess</PolicyName>", "<PolicyName>Read</PolicyName>", "<PolicyName>ReadOnlyAccess</PolicyName>"}},
	{"ListPolicies", "PathPrefix=/team/", "", []string{"<PolicyName>Read</PolicyName>", "!Big", "!ReadOnly"}},
	{"ListPolicies", "PolicyUsageFilter=PermissionsBoundary", "", []string{"<Policies></Policies>"}},
	{"ListPolicies", "PolicyUsageFilter=PermissionsPolicy&OnlyAttached=true", "", []string{"<PolicyName>Read</PolicyName>"}},
	{"ListPolicies", "PathPrefix=team", prefixChar, nil},
	{"ListPolicies", "Scope=Mine", oneError + "Value 'Mine' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]", nil},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN, "", []string{"<PolicyGroups></PolicyGroups><PolicyUsers><member><UserName>Ann</UserName><UserId>AIDA", "<PolicyRoles><member><RoleName>App</RoleName><RoleId>AROA", "<IsTruncated>false</IsTruncated>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN + "&EntityFilter=Role", "", []string{"<PolicyUsers></PolicyUsers><PolicyRoles><member>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN + "&EntityFilter=Group", "", []string{"<PolicyUsers></PolicyUsers><PolicyRoles></PolicyRoles>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN + "&PathPrefix=/team/", "", []string{"<PolicyUsers></PolicyUsers><PolicyRoles><member>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN + "&PolicyUsageFilter=PermissionsBoundary", "", []string{"<PolicyUsers></PolicyUsers><PolicyRoles></PolicyRoles>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + awsARN, "", []string{"<PolicyUsers><member><UserName>Ann</UserName>", "<PolicyRoles></PolicyRoles>"}},
	{"ListEntitiesForPolicy", "PolicyArn=" + polARN + "x", "404 NoSuchEntity: Policy " + polARN + "x was not found.", nil},
	{"DeletePolicy", "PolicyArn=" + polARN, "409 DeleteConflict: Cannot delete a policy attached to entities.", nil},

	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc2}", "", []string{"<PolicyVersion><VersionId>v2</VersionId><IsDefaultVersion>false</IsDefaultVersion><CreateDate>2026-03-04T05:06:07Z</CreateDate></PolicyVersion>"}},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc2}&SetAsDefault=true", "", []string{"<VersionId>v3</VersionId><IsDefaultVersion>true</IsDefaultVersion>"}},
	{"GetPolicy", "PolicyArn=" + polARN, "", []string{"<DefaultVersionId>v3</DefaultVersionId>"}},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v2", "", nil},
	{"SetDefaultPolicyVersion", "PolicyArn=" + polARN + "&VersionId=v1", "", nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v3", "", nil},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc}", "", []string{"<VersionId>v4</VersionId>"}}, // v3 was another one
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc}", "", []string{"<VersionId>v5</VersionId>"}},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc}", "", nil},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc}", "", nil},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc}", "409 LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.", nil},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument=nonsense", badSyntax, nil},
	{"CreatePolicyVersion", "PolicyArn=" + polARN + "&PolicyDocument={doc6145}", "409 LimitExceeded: Cannot exceed quota for PolicySize: 6144", nil},
	{"CreatePolicyVersion", "PolicyArn=" + awsARN + "&PolicyDocument={doc}", notChanged, nil},
	{"ListPolicyVersions", "PolicyArn=" + polARN, "", []string{"<Versions><member><VersionId>v7</VersionId><IsDefaultVersion>false</IsDefaultVersion>", "<VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion>", "!Document"}},
	{"ListPolicyVersions", "PolicyArn=" + polARN + "x", "404 NoSuchEntity: Policy " + polARN + "x was not found.", nil},
	{"GetPolicyVersion", "PolicyArn=" + polARN + "&VersionId=v1", "", []string{"<PolicyVersion><Document>%7B%22Version%22", "<VersionId>v1</VersionId><IsDefaultVersion>true</IsDefaultVersion>"}},
	{"GetPolicyVersion", "PolicyArn=" + polARN + "&VersionId=v9", badVersion, nil},
	{"GetPolicyVersion", "PolicyArn=" + polARN + "&VersionId=9", oneError + `Value '9' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`, nil},
	{"GetPolicyVersion", "PolicyArn=" + awsARN + "&VersionId=v182", "", []string{"cognito-identity%3ALookup%2A"}},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v1", "409 DeleteConflict: Cannot delete the default version of a policy.", nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v9", badVersion, nil},
	{"DeletePolicyVersion", "PolicyArn=" + awsARN + "&VersionId=v1", notChanged, nil},
	{"SetDefaultPolicyVersion", "PolicyArn=" + polARN + "&VersionId=v9", badVersion, nil},
	{"SetDefaultPolicyVersion", "PolicyArn=" + awsARN + "&VersionId=v1", notChanged, nil},
	{"GetPolicy", "PolicyArn=" + polARN, "", []string{"<DefaultVersionId>v1</DefaultVersionId>"}}, // still

	{"TagPolicy", "PolicyArn=" + polARN + "&Tags.member.1.Key=a&Tags.member.1.Value=b", "", nil},
	{"TagPolicy", "PolicyArn=" + awsARN + "&Tags.member.1.Key=a&Tags.member.1.Value=b", notChanged, nil},
	{"UntagPolicy", "PolicyArn=" + polARN + "&TagKeys.member.1=k", "", nil},
	{"UntagPolicy", "PolicyArn=" + polARN + "x&TagKeys.member.1=k", "404 NoSuchEntity: Policy " + polARN + "x was not found.", nil},
	{"ListPolicyTags", "PolicyArn=" + polARN, "", []string{"<Tags><member><Key>a</Key><Value>b</Value></member></Tags>"}},
	{"ListPolicyTags", "PolicyArn=" + polARN + "x", "404 NoSuchEntity: Policy " + polARN + "x was not found.", nil},

	{"DetachRolePolicy", "RoleName=App&PolicyArn=" + polARN, "", nil},
	{"DetachUserPolicy", "UserName=Ann&PolicyArn=" + polARN, "", nil},
	{"DeletePolicy", "PolicyArn=" + polARN, "409 DeleteConflict: This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.", nil},
	{"DeletePolicy", "PolicyArn=" + awsARN, notChanged, nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v4", "", nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v5", "", nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v6", "", nil},
	{"DeletePolicyVersion", "PolicyArn=" + polARN + "&VersionId=v7", "", nil},
	{"DeletePolicy", "PolicyArn=" + polARN, "", []string{"!Result"}},
	{"DeletePolicy", "PolicyArn=" + polARN, noPolicy, nil},
}
