package compat

import (
	"strings"
	"testing"
)

// cases has a test for every operation of the server; some test several. Each is
// run on a server in development mode and on a strict one, with an account of its
// own, and must see every one of its operations both done and refused.
var cases = []struct {
	ops  string // separated by white space
	test func(t *testing.T, s *site)
}{
	{"cognito-identity:CreateIdentityPool", createIdentityPool},
	{"cognito-identity:DeleteIdentities", deleteIdentities},
	{"cognito-identity:DeleteIdentityPool", deleteIdentityPool},
	{"cognito-identity:DescribeIdentity", describeIdentity},
	{"cognito-identity:DescribeIdentityPool", describeIdentityPool},
	{"cognito-identity:GetCredentialsForIdentity", getCredentialsForIdentity},
	{"cognito-identity:GetId", getID},
	{"cognito-identity:GetIdentityPoolRoles", getIdentityPoolRoles},
	{"cognito-identity:GetOpenIdToken", getOpenIDToken},
	{"cognito-identity:GetOpenIdTokenForDeveloperIdentity", getOpenIDTokenForDeveloper},
	{"cognito-identity:GetPrincipalTagAttributeMap", getPrincipalTagAttributeMap},
	{"cognito-identity:ListIdentities", listIdentities},
	{"cognito-identity:ListIdentityPools", listIdentityPools},
	{"cognito-identity:ListTagsForResource", listTagsForResource},
	{"cognito-identity:LookupDeveloperIdentity", lookupDeveloperIdentity},
	{"cognito-identity:MergeDeveloperIdentities", mergeDeveloperIdentities},
	{"cognito-identity:SetIdentityPoolRoles", setIdentityPoolRoles},
	{"cognito-identity:SetPrincipalTagAttributeMap", setPrincipalTagAttributeMap},
	{"cognito-identity:TagResource", tagResource},
	{"cognito-identity:UnlinkDeveloperIdentity", unlinkDeveloperIdentity},
	{"cognito-identity:UnlinkIdentity", unlinkIdentity},
	{"cognito-identity:UntagResource", untagResource},
	{"cognito-identity:UpdateIdentityPool", updateIdentityPool},

	{"sts:AssumeRole", assumeRole},
	{"sts:AssumeRoleWithSAML", assumeRoleWithSAML},
	{"sts:AssumeRoleWithWebIdentity", assumeRoleWithWebIdentity},
	{"sts:GetAccessKeyInfo", getAccessKeyInfo},
	{"sts:GetCallerIdentity", getCallerIdentity},
	{"sts:GetSessionToken", getSessionToken},

	{"iam:AddClientIDToOpenIDConnectProvider", addClientID},
	{"iam:CreateOpenIDConnectProvider", createProvider},
	{"iam:DeleteOpenIDConnectProvider", deleteProvider},
	{"iam:GetOpenIDConnectProvider", getProvider},
	{"iam:ListOpenIDConnectProviders", listProviders},
	{"iam:RemoveClientIDFromOpenIDConnectProvider", removeClientID},
	{"iam:UpdateOpenIDConnectProviderThumbprint", updateThumbprint},
	{"iam:CreateRole iam:GetRole iam:ListRoles iam:UpdateRole iam:UpdateRoleDescription iam:UpdateAssumeRolePolicy iam:DeleteRole iam:ListInstanceProfilesForRole", iamRoles},
	{`iam:CreateUser iam:GetUser iam:ListUsers iam:UpdateUser iam:DeleteUser iam:GetLoginProfile iam:DeleteLoginProfile
		iam:ListGroupsForUser iam:ListMFADevices iam:ListVirtualMFADevices iam:ListSSHPublicKeys iam:ListSigningCertificates iam:ListServiceSpecificCredentials`, iamUsers},
	{"iam:CreateAccessKey iam:GetAccessKeyLastUsed iam:ListAccessKeys iam:UpdateAccessKey iam:DeleteAccessKey", iamKeys},
	{`iam:CreatePolicy iam:GetPolicy iam:ListPolicies iam:DeletePolicy iam:ListEntitiesForPolicy
		iam:CreatePolicyVersion iam:GetPolicyVersion iam:ListPolicyVersions iam:SetDefaultPolicyVersion iam:DeletePolicyVersion`, managedPolicies},
	{`iam:PutRolePolicy iam:GetRolePolicy iam:ListRolePolicies iam:DeleteRolePolicy iam:AttachRolePolicy iam:DetachRolePolicy iam:ListAttachedRolePolicies
		iam:PutUserPolicy iam:GetUserPolicy iam:ListUserPolicies iam:DeleteUserPolicy iam:AttachUserPolicy iam:DetachUserPolicy iam:ListAttachedUserPolicies`, grants},
	{`iam:TagRole iam:UntagRole iam:ListRoleTags iam:TagUser iam:UntagUser iam:ListUserTags iam:TagPolicy iam:UntagPolicy iam:ListPolicyTags
		iam:TagOpenIDConnectProvider iam:UntagOpenIDConnectProvider iam:ListOpenIDConnectProviderTags iam:TagSAMLProvider iam:UntagSAMLProvider iam:ListSAMLProviderTags`, iamTags},
	{"iam:CreateSAMLProvider iam:GetSAMLProvider iam:ListSAMLProviders iam:UpdateSAMLProvider iam:DeleteSAMLProvider", samlProviders},
}

// neverDone are operations that have nothing to do here, and why.
var neverDone = map[string]string{
	"iam:GetLoginProfile":    "nobody has a password",
	"iam:DeleteLoginProfile": "nobody has a password",
}

func TestOperations(t *testing.T) {
	modes(t, func(t *testing.T, h *host) {
		for _, c := range cases {
			ops := strings.Fields(c.ops)
			t.Run(strings.TrimPrefix(ops[0], "cognito-identity:"), func(t *testing.T) {
				s := h.site(t)
				c.test(t, s)
				for _, op := range ops {
					s.calls.check(t, op)
				}
			})
		}
	})
}

func TestEveryOperationHasACase(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range cases {
		for op := range strings.FieldsSeq(c.ops) {
			tested[op] = true
			if _, ok := registered[op]; !ok {
				t.Errorf("%s has a test, and is not an operation of the server", op)
			}
		}
	}
	for op := range registered {
		if !tested[op] {
			t.Errorf("%s has no test: write one and put it into the table of operations_test.go", op)
		}
	}
	if len(registered) < 20 {
		t.Errorf("only %d operations were found", len(registered))
	}
}
