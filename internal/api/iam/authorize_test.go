package iam_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"idpool/internal/idpool"
)

// allow is a policy that allows an action on a resource, if a condition holds.
func allow(action, resource, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":%q,"Resource":%q%s}}`, action, resource, condition)
}

// TestResources is what a caller needs permission for, as the refusal names it.
func TestResources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arn := func(rest string) string { return "arn:aws:iam::" + account + ":" + rest }
	w.root.must(t, "CreateRole", "RoleName=App&Path=/team/&AssumeRolePolicyDocument={trust}&Tags.member.1.Key=team&Tags.member.1.Value=red")
	w.root.must(t, "CreateUser", "UserName=Ann&Path=/staff/&Tags.member.1.Key=team&Tags.member.1.Value=red")
	w.root.must(t, "CreatePolicy", "PolicyName=Read&Path=/team/&PolicyDocument={doc}&Tags.member.1.Key=team&Tags.member.1.Value=red")
	w.root.must(t, "CreateSAMLProvider", "Name=Staff&SAMLMetadataDocument={metadata}&Tags.member.1.Key=team&Tags.member.1.Value=red")
	w.root.must(t, "CreateOpenIDConnectProvider", "Url=https://idp.example.com/r&Tags.member.1.Key=team&Tags.member.1.Value=red")
	key := w.root.must(t, "CreateAccessKey", "UserName=Ann").one("AccessKeyId")
	role, ann, self := arn("role/team/App"), arn("user/staff/Ann"), arn("user/caller")

	// By an operation: what the request says, and the resource.
	rows := map[string][2]string{
		"CreateRole":                  {"RoleName=New&Path=/x/&AssumeRolePolicyDocument={trust}", arn("role/x/New")},
		"CreateUser":                  {"UserName=New", arn("user/New")},
		"CreatePolicy":                {"PolicyName=New&Path=/x/&PolicyDocument={doc}", arn("policy/x/New")},
		"CreateSAMLProvider":          {"Name=New&SAMLMetadataDocument={metadata}", arn("saml-provider/New")},
		"CreateOpenIDConnectProvider": {"Url=https://new.example.com/a?b=c", arn("oidc-provider/new.example.com/a")},

		"CreateAccessKey":             {"UserName=ANN", ann},
		"DeleteAccessKey":             {"UserName=Ann&AccessKeyId=AKIAAAAAAAAAAAAAAAAA", ann},
		"UpdateAccessKey":             {"UserName=Ann&Status=Active&AccessKeyId=" + key, ann},
		"GetAccessKeyLastUsed":        {"AccessKeyId=" + key, ann},
		"ListAccessKeys":              {"", self}, // one's own
		"GetUser":                     {"", self},
		"ListMFADevices":              {"", self},
		"ListSSHPublicKeys":           {"UserName=Ann", ann},
		"GetLoginProfile":             {"UserName=Ann", ann},
		"DeleteLoginProfile":          {"", self},
		"ListVirtualMFADevices":       {"", "*"},
		"ListRoles":                   {"", "*"},
		"ListUsers":                   {"", "*"},
		"ListPolicies":                {"", "*"},
		"ListSAMLProviders":           {"", "*"},
		"GetPolicy":                   {"PolicyArn=" + awsARN, awsARN},
		"ListEntitiesForPolicy":       {"PolicyArn=" + polARN, polARN},
		"GetSAMLProvider":             {"SAMLProviderArn=" + strings.Replace(strings.ToUpper(samlARN), "ARN:AWS:IAM::"+account+":SAML-PROVIDER", "arn:aws-cn:iam::"+account+":saml-provider", 1), samlARN}, // however it is spelled
		"GetRole":                     {"RoleName=APP", role},
		"UpdateUser":                  {"UserName=Ann", ann}, // nothing is renamed
		"DeleteUser":                  {"UserName=missing", arn("user/missing")},
		"DeletePolicy":                {"PolicyArn=" + arn("policy/missing"), arn("policy/missing")},
		"DeleteSAMLProvider":          {"SAMLProviderArn=" + arn("saml-provider/missing"), arn("saml-provider/missing")},
		"ListOpenIDConnectProviders":  {"", "*"},
		"DeleteOpenIDConnectProvider": {"OpenIDConnectProviderArn=" + oidcARN + "x", oidcARN + "x"},
	}
	forms := map[string]string{"RoleName": role, "UserName": ann, "PolicyArn": polARN, "SAMLProviderArn": samlARN, "OpenIDConnectProviderArn": oidcARN}
	names := map[string]string{"RoleName": "App", "UserName": "Ann", "PolicyArn": polARN, "SAMLProviderArn": samlARN, "OpenIDConnectProviderArn": oidcARN,
		"PolicyName": "none", "PolicyDocument": documents["doc"], "AssumeRolePolicyDocument": documents["trust"], "VersionId": "v7", "ClientID": "x", "Description": "x", "ThumbprintList": ""}
	for _, op := range w.service.Wire().Ops {
		if _, there := rows[op.Name]; there {
			continue
		}
		// What is required, for an entity that exists. The first decides.
		row := [2]string{"", ""}
		for _, m := range op.Shape {
			switch value, known := names[m.Name]; {
			case !m.Required:
			case m.Name == "Tags":
				row[0] += "&Tags.member.1.Key=a&Tags.member.1.Value=b"
			case m.Name == "TagKeys":
				row[0] += "&TagKeys.member.1=a"
			case !known:
				t.Fatalf("%s wants %s", op.Name, m.Name)
			default:
				row[0] += "&" + m.Name + "=" + value
				if row[1] == "" {
					row[1] = forms[m.Name]
				}
			}
		}
		rows[op.Name] = [2]string{row[0], cmp.Or(row[1], self)}
	}

	caller := w.user(t, "caller", "")
	for _, op := range w.service.Wire().Ops {
		form, resource := rows[op.Name][0], rows[op.Name][1]
		want := fmt.Sprintf("403 AccessDenied: User: %s is not authorized to perform: iam:%s on resource: %s because no identity-based policy allows the iam:%s action", self, op.Name, resource, op.Name)
		if got := caller.call(t, op.Name, form).String(); got != want {
			t.Errorf("%s %.200s: %s, want %s", op.Name, form, got, want)
		}
	}
}

// TestConditions is what policies can test beside the resource.
func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	red := "&Tags.member.1.Key=team&Tags.member.1.Value=red"
	w.root.must(t, "CreateRole", "RoleName=App&AssumeRolePolicyDocument={trust}"+red)
	w.root.must(t, "CreateRole", "RoleName=Plain&AssumeRolePolicyDocument={trust}")
	w.root.must(t, "CreateUser", "UserName=Ann&Path=/staff/"+red)
	w.root.must(t, "CreatePolicy", "PolicyName=Read&Path=/team/&PolicyDocument={doc}"+red)
	w.root.must(t, "CreateSAMLProvider", "Name=Staff&SAMLMetadataDocument={metadata}"+red)
	w.root.must(t, "CreateOpenIDConnectProvider", "Url=https://idp.example.com/r"+red)
	key := w.root.must(t, "CreateAccessKey", "UserName=Ann").one("AccessKeyId")
	caller := w.user(t, "caller", "")
	tagged := func(key string) string { return `{"StringEquals":{"` + key + `/team":"red"}}` }
	for _, c := range []struct {
		policy, op, form string
		allowed          bool
	}{
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetRole", "RoleName=App", true},
		{allow("iam:*", "*", tagged("iam:ResourceTag")), "GetRole", "RoleName=APP", true},
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetRole", "RoleName=Plain", false},
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetUser", "UserName=Ann", true},
		{allow("iam:*", "*", tagged("iam:ResourceTag")), "GetAccessKeyLastUsed", "AccessKeyId=" + key, true},
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetAccessKeyLastUsed", "AccessKeyId=" + caller.id, false},
		{allow("iam:*", "*", tagged("iam:ResourceTag")), "GetPolicy", "PolicyArn=" + polARN, true},
		{allow("iam:*", "*", tagged("iam:ResourceTag")), "GetPolicy", "PolicyArn=" + awsARN, false},
		{allow("iam:*", "*", tagged("iam:ResourceTag")), "GetPolicy", "PolicyArn=arn:aws:iam::" + account + ":policy/Read", false}, // is another one, and missing
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetSAMLProvider", "SAMLProviderArn=" + samlARN, true},
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "GetOpenIDConnectProvider", "OpenIDConnectProviderArn=" + oidcARN, true},
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "CreateUser", "UserName=new" + red, false},                            // what is new has none yet
		{allow("iam:*", "*", tagged("aws:ResourceTag")), "CreateRole", "RoleName=App&AssumeRolePolicyDocument={trust}", false}, // nor what another one has

		{allow("iam:CreateUser", "*", tagged("aws:RequestTag")), "CreateUser", "UserName=new", false},
		{allow("iam:CreateUser", "*", tagged("aws:RequestTag")), "CreateUser", "UserName=new" + red, true},
		{allow("iam:TagRole", "*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), "TagRole", "RoleName=App" + red, true},
		{allow("iam:TagRole", "*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), "TagRole", "RoleName=App&Tags.member.1.Key=x&Tags.member.1.Value=", false},
		{allow("iam:UntagRole", "*", `{"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}`), "UntagRole", "RoleName=App&TagKeys.member.1=x", false},

		{allow("iam:AttachRolePolicy", "*", `{"ArnEquals":{"iam:PolicyARN":"`+awsARN+`"}}`), "AttachRolePolicy", "RoleName=App&PolicyArn=" + awsARN, true},
		{allow("iam:AttachRolePolicy", "*", `{"ArnEquals":{"iam:PolicyARN":"`+awsARN+`"}}`), "AttachRolePolicy", "RoleName=App&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess", false},
		{allow("iam:DetachUserPolicy", "*", `{"ArnEquals":{"iam:PolicyARN":"`+awsARN+`"}}`), "DetachUserPolicy", "UserName=Ann&PolicyArn=" + awsARN, true},
		{allow("iam:GetPolicy", "*", `{"ArnEquals":{"iam:PolicyARN":"`+awsARN+`"}}`), "GetPolicy", "PolicyArn=" + awsARN, false}, // is no key of it

		// A user needs permission as it is, and as it will be.
		{allow("iam:UpdateUser", "arn:aws:iam::"+account+":user/staff/*", ""), "UpdateUser", "UserName=Ann&NewUserName=Ann2", true},
		{allow("iam:UpdateUser", "arn:aws:iam::"+account+":user/staff/*", ""), "UpdateUser", "UserName=Ann2&NewUserName=Ann&NewPath=/staff/a/", true},
		{allow("iam:UpdateUser", "arn:aws:iam::"+account+":user/staff/*", ""), "UpdateUser", "UserName=Ann&NewPath=/", false},
		{allow("iam:UpdateUser", "arn:aws:iam::"+account+":user/staff/a/Ann", ""), "UpdateUser", "UserName=Ann&NewUserName=Root", false},
		{allow("iam:UpdateUser", "arn:aws:iam::"+account+":user/staff/a/Root", ""), "UpdateUser", "UserName=Ann&NewUserName=Root", false},
	} {
		w.root.must(t, "PutUserPolicy", "UserName=caller&PolicyName=p&PolicyDocument={p}", map[string]string{"p": c.policy})
		if got := caller.call(t, c.op, c.form); (got.status != 403) != c.allowed || got.status == 500 {
			t.Errorf("%s: %s %s: %q", c.policy, c.op, c.form, got)
		}
	}
}

// TestAuthorityCountsAtOnce holds that what is given to a role or a user, or
// taken from it, counts from the next request on.
func TestAuthorityCountsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.must(t, "CreateRole", "RoleName=app&AssumeRolePolicyDocument={trust2}")
	w.root.must(t, "CreatePolicy", "PolicyName=own&PolicyDocument={p}", map[string]string{"p": allow("iam:ListRoles", "*", "")})
	own := "arn:aws:iam::" + account + ":policy/own"
	for who, c := range map[string]client{"User": w.user(t, "app", ""), "Role": w.session(t, "app")} {
		check := func(step string, want bool) {
			t.Helper()
			for range 2 {
				if got := c.call(t, "ListRoles", ""); (got.status == 200) != want {
					t.Errorf("%s, %s: %q", who, step, got)
				}
			}
		}
		name := who + "Name=app"
		check("nothing", false)
		w.root.must(t, "Put"+who+"Policy", name+"&PolicyName=p&PolicyDocument={p}", map[string]string{"p": allow("iam:List*", "*", "")})
		check("an inline policy", true)
		w.root.must(t, "Delete"+who+"Policy", name+"&PolicyName=p")
		check("deleted", false)
		w.root.must(t, "Attach"+who+"Policy", name+"&PolicyArn=arn:aws:iam::aws:policy/IAMReadOnlyAccess")
		check("attached, of AWS", true)
		w.root.must(t, "Detach"+who+"Policy", name+"&PolicyArn=arn:aws:iam::aws:policy/IAMReadOnlyAccess")
		check("detached", false)
		w.root.must(t, "Attach"+who+"Policy", name+"&PolicyArn="+own)
		check("attached, one's own", true)
		version := w.root.must(t, "CreatePolicyVersion", "PolicyArn="+own+"&PolicyDocument={doc2}").one("VersionId")
		check("another version", true)
		w.root.must(t, "SetDefaultPolicyVersion", "PolicyArn="+own+"&VersionId="+version)
		check("that is in force", false)
		w.root.must(t, "SetDefaultPolicyVersion", "PolicyArn="+own+"&VersionId=v1")
		check("and back", true)
		w.root.must(t, "CreatePolicyVersion", "PolicyArn="+own+"&SetAsDefault=true&PolicyDocument={doc2}")
		check("a version in force at once", false)
		w.root.must(t, "SetDefaultPolicyVersion", "PolicyArn="+own+"&VersionId=v1")
		w.root.must(t, "Detach"+who+"Policy", name+"&PolicyArn="+own)
		check("detached, one's own", false)
	}
	// A role that was deleted, and made again, is another one.
	session := w.session(t, "app")
	w.root.must(t, "PutRolePolicy", "RoleName=app&PolicyName=p&PolicyDocument={p}", map[string]string{"p": allow("iam:List*", "*", "")})
	session.must(t, "ListRoles", "")
	w.root.must(t, "DeleteRolePolicy", "RoleName=app&PolicyName=p")
	w.session(t, "app") // so that it is remembered
	w.root.must(t, "DeleteRole", "RoleName=app")
	if _, _, err := w.assume(t, "app"); idpool.KindOf(err) != idpool.AccessDenied {
		t.Errorf("the deleted role is assumed: %v", err)
	}
	w.root.must(t, "CreateRole", "RoleName=app&AssumeRolePolicyDocument={trust2}")
	w.root.must(t, "PutRolePolicy", "RoleName=app&PolicyName=p&PolicyDocument={p}", map[string]string{"p": allow("iam:List*", "*", "")})
	if got := session.call(t, "ListRoles", ""); got.status != 403 {
		t.Errorf("a session of the deleted role: %q", got)
	}
	w.session(t, "app").must(t, "ListRoles", "")
}

// TestAccountsAreApart holds for every operation that the root of another account
// neither sees nor changes what is in this one.
func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(t)
	key := w.root.must(t, "ListAccessKeys", "UserName=u0").one("AccessKeyId")
	dump := func() string {
		var all []any
		w.update(t, func(wr idpool.Writer) error {
			ctx := t.Context()
			roles, err1 := wr.Roles(ctx, account)
			users, err2 := wr.Users(ctx, account)
			policies, err3 := wr.ManagedPolicies(ctx, account)
			saml, err4 := wr.SAMLProviders(ctx, account)
			oidc, err5 := wr.OIDCProviders(ctx, account)
			keys, err6 := wr.AccessKeys(ctx, account)
			for _, err := range []error{err1, err2, err3, err4, err5, err6} {
				if err != nil {
					return err
				}
			}
			all = []any{roles, users, policies, saml, oidc, keys}
			return nil
		})
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := dump()
	if !strings.Contains(before, "AROA") || !strings.Contains(before, key) {
		t.Fatal("there is nothing to see")
	}
	values := map[string]string{
		"RoleName": "r0", "UserName": "u0", "PolicyArn": "arn:aws:iam::" + account + ":policy/p0", "SAMLProviderArn": "arn:aws:iam::" + account + ":saml-provider/s0", "OpenIDConnectProviderArn": oidcARN,
		"PolicyName": "p", "PolicyDocument": documents["doc"], "AssumeRolePolicyDocument": documents["trust"], "VersionId": "v9", "ClientID": "x", "Description": "x", "ThumbprintList": "",
		"SAMLMetadataDocument": documents["metadata"], "Name": "s0", "Url": "https://idp.example.com/r", "AccessKeyId": key, "Status": "Inactive",
	}
	makers := []string{"CreateRole", "CreateUser", "CreatePolicy", "CreateSAMLProvider", "CreateOpenIDConnectProvider"}
	for _, op := range w.service.Wire().Ops {
		if slices.Contains(makers, op.Name) {
			continue
		}
		form := ""
		for _, m := range op.Shape {
			switch _, known := values[m.Name]; {
			case m.Name == "Tags" && m.Required:
				form += "&Tags.member.1.Key=a&Tags.member.1.Value=b"
			case m.Name == "TagKeys":
				form += "&TagKeys.member.1=a"
			case m.Required && !known:
				t.Fatalf("%s wants %s", op.Name, m.Name)
			case known && (m.Required || m.Name == "UserName" || m.Name == "Description"):
				form += "&" + m.Name + "={" + m.Name + "}"
			}
		}
		if op.Name == "UpdateAssumeRolePolicy" {
			form = strings.Replace(form, "{PolicyDocument}", "{trust}", 1)
		}
		got := w.foreign.call(t, op.Name, form, values)
		switch {
		case strings.HasPrefix(op.Name, "List") && got.status == 200: // of all there is: nothing
			if strings.Contains(got.body, account) || strings.Contains(got.body, "AROA") || strings.Contains(got.body, "AIDA") {
				t.Errorf("%s: %s", op.Name, got.body)
			}
		case op.Name == "DeleteOpenIDConnectProvider" && got.status == 200: // counts as deleted
		case got.code != "NoSuchEntity":
			t.Errorf("%s %.200s: %q", op.Name, form, got)
		}
	}
	if after := dump(); after != before {
		t.Errorf("changed from outside:\n%s\nwas\n%s", after, before)
	}
	// Those of the same name own nothing of each other, the roots included.
	w.foreign.must(t, "CreateUser", "UserName=u0")
	rootKey := w.root.must(t, "ListAccessKeys", "").one("AccessKeyId")
	for _, form := range []string{"UserName=u0&AccessKeyId=" + key, "AccessKeyId=" + rootKey} {
		for _, op := range []string{"DeleteAccessKey", "UpdateAccessKey"} {
			if got := w.foreign.call(t, op, form+"&Status=Inactive"); got.code != "NoSuchEntity" {
				t.Errorf("%s %s: %q", op, form, got)
			}
		}
	}
	w.foreign.must(t, "DeleteUser", "UserName=u0")
	// The names are free in another account, and make nothing of this one.
	for _, op := range makers {
		form := "RoleName={RoleName}&UserName={UserName}&PolicyName={PolicyName}&Name={Name}&Url={Url}&AssumeRolePolicyDocument={trust}&PolicyDocument={doc}&SAMLMetadataDocument={metadata}"
		if got := w.foreign.must(t, op, form, values); strings.Contains(got.body, account) || !strings.Contains(got.body, other) {
			t.Errorf("%s: %s", op, got.body)
		}
	}
	if dump() != before {
		t.Error("changed from outside by what was made there")
	}
}
