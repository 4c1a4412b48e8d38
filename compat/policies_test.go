package compat

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// readOnly is a managed policy of AWS.
const readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"

func policyMissing(arn string) string { return fmt.Sprintf("Policy %s was not found.", arn) }
func notAttachable(arn string) string {
	return fmt.Sprintf("Policy %s does not exist or is not attachable.", arn)
}
func (s *site) policy(n string) string { return "arn:aws:iam::" + s.account + ":policy/" + n }

// managedPolicies follows the life of managed policies and their versions.
func managedPolicies(t *testing.T, s *site) {
	ctx := t.Context()
	made, err := s.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("Reader"), Path: aws.String("/apps/"), PolicyDocument: aws.String(allowing("s3:Get*")), Description: aws.String("reads")})
	if err != nil {
		t.Fatal(err)
	}
	arn := s.policy("apps/Reader")
	if p := made.Policy; *p.Arn != arn || *p.PolicyName != "Reader" || *p.Path != "/apps/" || *p.DefaultVersionId != "v1" || !p.IsAttachable || aws.ToInt32(p.AttachmentCount) != 0 || !principalIDForm.MatchString(*p.PolicyId) {
		t.Errorf("made %+v", *p)
	}
	get := func(arn string) *iamtypes.Policy {
		t.Helper()
		out, err := s.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return out.Policy
	}
	s.do(t, "CreateRole", map[string]any{"RoleName": "worker", "AssumeRolePolicyDocument": trusting(nowhere)})
	s.do(t, "CreateUser", map[string]any{"UserName": "ann"})
	s.do(t, "AttachRolePolicy", map[string]any{"RoleName": "worker", "PolicyArn": arn})
	s.do(t, "AttachUserPolicy", map[string]any{"UserName": "ann", "PolicyArn": arn})
	if p := get(arn); aws.ToInt32(p.AttachmentCount) != 2 || aws.ToString(p.Description) != "reads" || p.Tags == nil {
		t.Errorf("got %+v", *p)
	}
	if p := get(readOnly); *p.PolicyName != "ReadOnlyAccess" || *p.Arn != readOnly || aws.ToInt32(p.AttachmentCount) != 0 {
		t.Errorf("got %+v", *p)
	}
	with, err := s.iam.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: &arn})
	if err != nil || len(with.PolicyRoles) != 1 || *with.PolicyRoles[0].RoleName != "worker" || len(with.PolicyUsers) != 1 || *with.PolicyUsers[0].UserName != "ann" || len(with.PolicyGroups) != 0 {
		t.Errorf("attached to %+v (%v)", with, err)
	}

	for i := 2; i <= 5; i++ {
		out, err := s.iam.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: &arn, PolicyDocument: aws.String(allowing(fmt.Sprint("s3:Get", i))), SetAsDefault: i == 3})
		if err != nil || *out.PolicyVersion.VersionId != fmt.Sprint("v", i) || out.PolicyVersion.IsDefaultVersion != (i == 3) {
			t.Errorf("version %d: %+v (%v)", i, out, err)
		}
	}
	refused[*iamtypes.LimitExceededException](t, s.try(t, "CreatePolicyVersion", map[string]any{"PolicyArn": arn, "PolicyDocument": denyAll}),
		"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeletePolicyVersion", map[string]any{"PolicyArn": arn, "VersionId": "v3"}), "Cannot delete the default version of a policy.")
	s.do(t, "SetDefaultPolicyVersion", map[string]any{"PolicyArn": arn, "VersionId": "v5"})
	s.do(t, "DeletePolicyVersion", map[string]any{"PolicyArn": arn, "VersionId": "v3"})
	var versions []string
	for pages := iam.NewListPolicyVersionsPaginator(s.iam, &iam.ListPolicyVersionsInput{PolicyArn: &arn, MaxItems: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			versions = append(versions, fmt.Sprintf("%s %t %t", *v.VersionId, v.IsDefaultVersion, v.Document == nil))
		}
	}
	if want := []string{"v5 true true", "v4 false true", "v2 false true", "v1 false true"}; !slices.Equal(versions, want) {
		t.Errorf("versions %q, want %q", versions, want)
	}
	v4, err := s.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: aws.String("v4")})
	if err != nil || plain(t, v4.PolicyVersion.Document) != allowing("s3:Get4") {
		t.Errorf("v4 is %+v (%v)", v4, err)
	}
	for _, op := range []string{"GetPolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"} {
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, map[string]any{"PolicyArn": arn, "VersionId": "v3"}), "Policy "+arn+" version v3 does not exist or is not attachable.")
	}

	// Names are unique; those of AWS are listed, too, and cannot be changed.
	refused[*iamtypes.EntityAlreadyExistsException](t, s.try(t, "CreatePolicy", map[string]any{"PolicyName": "READER", "PolicyDocument": denyAll}), "A policy called READER already exists. Duplicate names are not allowed.")
	s.do(t, "CreatePolicy", map[string]any{"PolicyName": "another", "PolicyDocument": denyAll})
	for scope, want := range map[string][]string{"Local": {s.policy("another"), arn}, "AWS": {readOnly}, "All": {s.policy("another"), readOnly, arn}} {
		var arns []string
		for pages := iam.NewListPoliciesPaginator(s.iam, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeType(scope), MaxItems: aws.Int32(3)}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.Policies {
				if p.Tags != nil || p.Description != nil {
					t.Errorf("listed %+v", p)
				}
				arns = append(arns, *p.Arn)
			}
		}
		if scope == "Local" && len(arns) != 2 || scope == "AWS" && slices.Contains(arns, arn) {
			t.Errorf("%s: %q", scope, arns)
		}
		for _, w := range want {
			if !slices.Contains(arns, w) {
				t.Errorf("%s: no %s in %q", scope, w, arns)
			}
		}
	}
	attached, err := s.iam.ListPolicies(ctx, &iam.ListPoliciesInput{OnlyAttached: true})
	if err != nil || len(attached.Policies) != 1 || *attached.Policies[0].Arn != arn {
		t.Errorf("attached are %+v (%v)", attached, err)
	}
	unmodelled(t, s.try(t, "DeletePolicy", map[string]any{"PolicyArn": readOnly}), "AccessDenied", "Policy "+readOnly+" is managed by AWS and cannot be changed.")
	foreign := "arn:aws:iam::123456789012:policy/Reader"
	for _, op := range []string{"GetPolicy", "DeletePolicy", "CreatePolicyVersion", "GetPolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion", "ListPolicyVersions", "ListEntitiesForPolicy"} {
		given := map[string]any{"PolicyArn": s.policy("none"), "PolicyDocument": denyAll, "VersionId": "v1"}
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, given), policyMissing(s.policy("none")))
		given["PolicyArn"] = foreign
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, given), policyMissing(foreign))
		given["PolicyArn"] = letters(20)
		unmodelled(t, s.try(t, op, given), "ValidationError", "Invalid ARN:  Could not be parsed!")
	}
	refused[*iamtypes.MalformedPolicyDocumentException](t, s.try(t, "CreatePolicy", map[string]any{"PolicyName": "bad", "PolicyDocument": "{"}), "Syntax errors in policy.")
	invalid(t, s.try(t, "ListPolicies", map[string]any{"Scope": "Mine"}), "Value 'Mine' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]")
	invalid(t, s.try(t, "GetPolicyVersion", map[string]any{"PolicyArn": arn, "VersionId": "one"}), `Value 'one' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`)

	del := map[string]any{"PolicyArn": arn}
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeletePolicy", del), "Cannot delete a policy attached to entities.")
	s.do(t, "DetachRolePolicy", map[string]any{"RoleName": "worker", "PolicyArn": arn})
	s.do(t, "DetachUserPolicy", map[string]any{"UserName": "ann", "PolicyArn": arn})
	refused[*iamtypes.DeleteConflictException](t, s.try(t, "DeletePolicy", del),
		"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	for _, v := range []string{"v1", "v2", "v4"} {
		s.do(t, "DeletePolicyVersion", map[string]any{"PolicyArn": arn, "VersionId": v})
	}
	s.do(t, "DeletePolicy", del)
	refused[*iamtypes.NoSuchEntityException](t, s.try(t, "DeletePolicy", del), policyMissing(arn))
}

// grants are the policies of roles and users, inline and attached.
func grants(t *testing.T, s *site) {
	var policies []string
	for i := range 11 {
		s.do(t, "CreatePolicy", map[string]any{"PolicyName": fmt.Sprintf("p%02d", i), "PolicyDocument": denyAll})
		policies = append(policies, s.policy(fmt.Sprintf("p%02d", i)))
	}
	s.do(t, "CreateRole", map[string]any{"RoleName": "Worker", "AssumeRolePolicyDocument": trusting(nowhere)})
	s.do(t, "CreateUser", map[string]any{"UserName": "Worker"})
	for _, kind := range []struct {
		name, member, missing string
		inline                int
	}{{"Role", "RoleName", roleMissing("nobody"), 10240}, {"User", "UserName", userOfIAMMissing("nobody"), 2048}} {
		t.Run(kind.name, func(t *testing.T) {
			of := func(given map[string]any) map[string]any {
				all := map[string]any{kind.member: "worker"} // names are found in any case
				for key, v := range given {
					all[key] = v
				}
				return all
			}
			lower := strings.ToLower(kind.name)
			for _, name := range []string{"b", "A", "c"} {
				s.do(t, "Put"+kind.name+"Policy", of(map[string]any{"PolicyName": name, "PolicyDocument": allowing("s3:" + name)}))
			}
			got := s.do(t, "Get"+kind.name+"Policy", of(map[string]any{"PolicyName": "a"}))
			if name, text := *got.FieldByName("PolicyName").Interface().(*string), plain(t, got.FieldByName("PolicyDocument").Interface().(*string)); name != "A" || text != allowing("s3:A") {
				t.Errorf("got %s, %s", name, text)
			}
			var names []string
			s.pages(t, "List"+kind.name+"Policies", of(nil), func(page reflect.Value) {
				names = append(names, page.FieldByName("PolicyNames").Interface().([]string)...)
			})
			if !slices.Equal(names, []string{"A", "b", "c"}) {
				t.Errorf("inline policies %q", names)
			}
			s.do(t, "Delete"+kind.name+"Policy", of(map[string]any{"PolicyName": "B"}))
			for _, op := range []string{"Get", "Delete"} {
				refused[*iamtypes.NoSuchEntityException](t, s.try(t, op+kind.name+"Policy", of(map[string]any{"PolicyName": "b"})), "The "+lower+" policy with name b cannot be found.")
			}
			put := func(name, document string) error {
				return s.try(t, "Put"+kind.name+"Policy", of(map[string]any{"PolicyName": name, "PolicyDocument": document}))
			}
			refused[*iamtypes.MalformedPolicyDocumentException](t, put("bad", "{"), "Syntax errors in policy.")
			unmodelled(t, put("a b", denyAll), "ValidationError", "The specified value for policyName"+badChars)
			refused[*iamtypes.LimitExceededException](t, put("big", allowing("s3:"+letters(kind.inline))), fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s Worker", kind.inline, lower))

			for _, arn := range append([]string{readOnly, readOnly}, policies[:9]...) { // one that is attached is accepted
				s.do(t, "Attach"+kind.name+"Policy", of(map[string]any{"PolicyArn": arn}))
			}
			attach := func(arn string) error {
				return s.try(t, "Attach"+kind.name+"Policy", of(map[string]any{"PolicyArn": arn}))
			}
			refused[*iamtypes.LimitExceededException](t, attach(policies[9]), "Cannot exceed quota for PoliciesPer"+kind.name+": 10")
			refused[*iamtypes.NoSuchEntityException](t, attach(s.policy("none")), notAttachable(s.policy("none")))
			unmodelled(t, attach(letters(20)), "ValidationError", "Invalid ARN:  Could not be parsed!")
			detach := func(arn string) error {
				return s.try(t, "Detach"+kind.name+"Policy", of(map[string]any{"PolicyArn": arn}))
			}
			if err := detach(policies[0]); err != nil {
				t.Error(err)
			}
			refused[*iamtypes.NoSuchEntityException](t, detach(policies[0]), policyMissing(policies[0]))
			var arns []string
			s.pages(t, "ListAttached"+kind.name+"Policies", of(nil), func(page reflect.Value) {
				for _, p := range page.FieldByName("AttachedPolicies").Interface().([]iamtypes.AttachedPolicy) {
					arns = append(arns, *p.PolicyArn)
				}
			})
			if want := append(slices.Clone(policies[1:9]), readOnly); !slices.Equal(arns, want) {
				t.Errorf("attached %q, want %q", arns, want)
			}
			for _, op := range []string{"Put%sPolicy", "Get%sPolicy", "Delete%sPolicy", "List%sPolicies", "Attach%sPolicy", "Detach%sPolicy", "ListAttached%sPolicies"} {
				given := map[string]any{kind.member: "nobody", "PolicyName": "a", "PolicyDocument": denyAll, "PolicyArn": readOnly}
				refused[*iamtypes.NoSuchEntityException](t, s.try(t, fmt.Sprintf(op, kind.name), given), kind.missing)
			}
		})
	}
}

// pages calls a list operation page by page, one item each.
func (s *site) pages(t *testing.T, op string, given map[string]any, see func(page reflect.Value)) {
	t.Helper()
	given["MaxItems"] = 1
	for range 100 {
		page := s.do(t, op, given)
		see(page)
		marker := page.FieldByName("Marker").Interface().(*string)
		if truncated := page.FieldByName("IsTruncated").Bool(); truncated != (marker != nil) {
			t.Errorf("%s: truncated %t, marker %v", op, truncated, marker)
		}
		if marker == nil {
			return
		}
		given["Marker"] = *marker
	}
	t.Fatalf("%s has no last page", op)
}

// iamTags are those of everything in IAM that can have some.
func iamTags(t *testing.T, s *site) {
	s.do(t, "CreateRole", map[string]any{"RoleName": "worker", "AssumeRolePolicyDocument": trusting(nowhere)})
	s.do(t, "CreateUser", map[string]any{"UserName": "worker"})
	s.do(t, "CreatePolicy", map[string]any{"PolicyName": "p", "PolicyDocument": denyAll})
	saml := s.makeSAML(t)
	tags := func(pairs ...string) (list []iamtypes.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, iamtypes.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return list
	}
	for _, kind := range []struct{ name, member, id, nobody, missing string }{
		{"Role", "RoleName", "worker", "nobody", roleMissing("nobody")},
		{"User", "UserName", "worker", "nobody", userOfIAMMissing("nobody")},
		{"Policy", "PolicyArn", s.policy("p"), s.policy("none"), policyMissing(s.policy("none"))},
		{"OpenIDConnectProvider", "OpenIDConnectProviderArn", s.two.arn, s.exampleARN(), providerMissing(s.exampleARN())},
		{"SAMLProvider", "SAMLProviderArn", saml, saml + "x", "SAMLProvider " + saml + "x not found"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			of := func(name string, v any) map[string]any { return map[string]any{kind.member: kind.id, name: v} }
			tag := func(list []iamtypes.Tag) error { return s.try(t, "Tag"+kind.name, of("Tags", list)) }
			want := func(pairs ...string) {
				t.Helper()
				var got []string
				s.pages(t, "List"+kind.name+"Tags", map[string]any{kind.member: kind.id}, func(page reflect.Value) {
					for _, tag := range page.FieldByName("Tags").Interface().([]iamtypes.Tag) {
						got = append(got, *tag.Key, *tag.Value)
					}
				})
				if !slices.Equal(got, pairs) {
					t.Errorf("tags %q, want %q", got, pairs)
				}
			}
			want()
			if err := tag(tags("b", "2", "größe", "", "a", "1")); err != nil {
				t.Fatal(err)
			}
			want("a", "1", "b", "2", "größe", "")
			if err := tag(tags("B", "two")); err != nil { // a key in another case is the same key
				t.Fatal(err)
			}
			want("B", "two", "a", "1", "größe", "")
			s.do(t, "Untag"+kind.name, of("TagKeys", []string{"A", "unknown"}))
			want("B", "two", "größe", "")
			refused[*iamtypes.InvalidInputException](t, tag(tags("x", "", "X", "")), "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
			refused[*iamtypes.InvalidInputException](t, tag(tags("aws:x", "")), "Tag keys that begin with aws: are reserved.")
			var many []string
			for i := range 49 {
				many = append(many, fmt.Sprint("key", i), "")
			}
			refused[*iamtypes.LimitExceededException](t, tag(tags(many...)), "The number of tags has reached the maximum limit.")
			invalid(t, tag(tags("", "x")), `Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`,
				"Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1")
			want("B", "two", "größe", "")
			unmodelled(t, s.try(t, "List"+kind.name+"Tags", of("Marker", "garbage")), "ValidationError", "The Marker is not valid.")
			for _, op := range []string{"Tag", "Untag"} {
				refused[*iamtypes.NoSuchEntityException](t, s.try(t, op+kind.name, map[string]any{kind.member: kind.nobody}), kind.missing)
			}
			refused[*iamtypes.NoSuchEntityException](t, s.try(t, "List"+kind.name+"Tags", map[string]any{kind.member: kind.nobody}), kind.missing)
		})
	}
}

func metadataOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../internal/saml/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *site) makeSAML(t *testing.T) string {
	t.Helper()
	out, err := s.iam.CreateSAMLProvider(t.Context(), &iam.CreateSAMLProviderInput{Name: aws.String("Corp"), SAMLMetadataDocument: aws.String(metadataOf(t, "keycloak.xml"))})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::" + s.account + ":saml-provider/Corp"; *out.SAMLProviderArn != want {
		t.Errorf("made %s, want %s", *out.SAMLProviderArn, want)
	}
	return *out.SAMLProviderArn
}

// samlProviders follows the life of SAML providers (behaviour 9.3).
func samlProviders(t *testing.T, s *site) {
	ctx := t.Context()
	before := time.Now().Truncate(time.Second)
	arn := s.makeSAML(t)
	get := func() *iam.GetSAMLProviderOutput {
		t.Helper()
		out, err := s.iam.GetSAMLProvider(ctx, &iam.GetSAMLProviderInput{SAMLProviderArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := get()
	if *got.SAMLMetadataDocument != metadataOf(t, "keycloak.xml") || got.CreateDate.Before(before) || !got.ValidUntil.After(time.Now()) || aws.ToString(got.SAMLProviderUUID) == "" {
		t.Errorf("got metadata of %d characters, made %s, valid until %s, ID %v", len(*got.SAMLMetadataDocument), got.CreateDate, got.ValidUntil, got.SAMLProviderUUID)
	}
	list, err := s.iam.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
	if err != nil || len(list.SAMLProviderList) != 1 || *list.SAMLProviderList[0].Arn != arn || list.SAMLProviderList[0].ValidUntil == nil || list.SAMLProviderList[0].CreateDate == nil {
		t.Errorf("listed %+v (%v)", list, err)
	}
	_, err = s.in("nowhere").iam.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{})
	unmodelled(t, err, "SignatureDoesNotMatch", "Credential should be scoped to a valid region, not 'nowhere'. ")
	updated, err := s.iam.UpdateSAMLProvider(ctx, &iam.UpdateSAMLProviderInput{SAMLProviderArn: &arn, SAMLMetadataDocument: aws.String(metadataOf(t, "adfs.xml"))})
	if err != nil || *updated.SAMLProviderArn != arn || *get().SAMLMetadataDocument != metadataOf(t, "adfs.xml") {
		t.Errorf("updated %+v (%v)", updated, err)
	}
	create := func(given map[string]any) error { return s.try(t, "CreateSAMLProvider", given) }
	junk := "<x>" + letters(1000) + "</x>"
	refused[*iamtypes.InvalidInputException](t, create(map[string]any{"Name": "fresh", "SAMLMetadataDocument": junk}), "Could not parse metadata")
	refused[*iamtypes.InvalidInputException](t, s.try(t, "UpdateSAMLProvider", map[string]any{"SAMLProviderArn": arn, "SAMLMetadataDocument": junk}), "Could not parse metadata")
	refused[*iamtypes.EntityAlreadyExistsException](t, create(map[string]any{"Name": "CORP", "SAMLMetadataDocument": metadataOf(t, "adfs.xml")}), "SAMLProvider with name CORP already exists.")
	invalid(t, create(map[string]any{"Name": "a b", "SAMLMetadataDocument": "<x/>"}),
		"Value '<x/>' at 'sAMLMetadataDocument' failed to satisfy constraint: Member must have length greater than or equal to 1000",
		`Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w._-]+`)
	for _, op := range []string{"GetSAMLProvider", "UpdateSAMLProvider", "DeleteSAMLProvider"} {
		refused[*iamtypes.NoSuchEntityException](t, s.try(t, op, map[string]any{"SAMLProviderArn": arn + "x"}), "SAMLProvider "+arn+"x not found")
		refused[*iamtypes.InvalidInputException](t, s.try(t, op, map[string]any{"SAMLProviderArn": s.role("people")}), "Invalid ARN of a SAML provider: "+s.role("people"))
	}
	s.do(t, "DeleteSAMLProvider", map[string]any{"SAMLProviderArn": arn})
	refused[*iamtypes.NoSuchEntityException](t, s.try(t, "DeleteSAMLProvider", map[string]any{"SAMLProviderArn": arn}), "SAMLProvider "+arn+" not found")
}
