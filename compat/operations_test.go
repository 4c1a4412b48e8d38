package compat

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// cases has a test for every operation of the server. It is run on a server in
// development mode and on a strict one, each time with an account of its own,
// and must see the operation both done and refused.
var cases = map[string]func(t *testing.T, s *site){
	"cognito-identity:CreateIdentityPool":                 createIdentityPool,
	"cognito-identity:DeleteIdentities":                   deleteIdentities,
	"cognito-identity:DeleteIdentityPool":                 deleteIdentityPool,
	"cognito-identity:DescribeIdentity":                   describeIdentity,
	"cognito-identity:DescribeIdentityPool":               describeIdentityPool,
	"cognito-identity:GetCredentialsForIdentity":          getCredentialsForIdentity,
	"cognito-identity:GetId":                              getID,
	"cognito-identity:GetIdentityPoolRoles":               getIdentityPoolRoles,
	"cognito-identity:GetOpenIdToken":                     getOpenIDToken,
	"cognito-identity:GetOpenIdTokenForDeveloperIdentity": getOpenIDTokenForDeveloper,
	"cognito-identity:GetPrincipalTagAttributeMap":        getPrincipalTagAttributeMap,
	"cognito-identity:ListIdentities":                     listIdentities,
	"cognito-identity:ListIdentityPools":                  listIdentityPools,
	"cognito-identity:ListTagsForResource":                listTagsForResource,
	"cognito-identity:LookupDeveloperIdentity":            lookupDeveloperIdentity,
	"cognito-identity:MergeDeveloperIdentities":           mergeDeveloperIdentities,
	"cognito-identity:SetIdentityPoolRoles":               setIdentityPoolRoles,
	"cognito-identity:SetPrincipalTagAttributeMap":        setPrincipalTagAttributeMap,
	"cognito-identity:TagResource":                        tagResource,
	"cognito-identity:UnlinkDeveloperIdentity":            unlinkDeveloperIdentity,
	"cognito-identity:UnlinkIdentity":                     unlinkIdentity,
	"cognito-identity:UntagResource":                      untagResource,
	"cognito-identity:UpdateIdentityPool":                 updateIdentityPool,

	"sts:AssumeRole":                assumeRole,
	"sts:AssumeRoleWithWebIdentity": assumeRoleWithWebIdentity,
	"sts:GetAccessKeyInfo":          getAccessKeyInfo,
	"sts:GetCallerIdentity":         getCallerIdentity,
	"sts:GetSessionToken":           getSessionToken,

	"iam:AddClientIDToOpenIDConnectProvider":      addClientID,
	"iam:CreateOpenIDConnectProvider":             createProvider,
	"iam:DeleteOpenIDConnectProvider":             deleteProvider,
	"iam:GetOpenIDConnectProvider":                getProvider,
	"iam:ListOpenIDConnectProviders":              listProviders,
	"iam:RemoveClientIDFromOpenIDConnectProvider": removeClientID,
	"iam:UpdateOpenIDConnectProviderThumbprint":   updateThumbprint,
}

func TestOperations(t *testing.T) {
	modes(t, func(t *testing.T, h *host) {
		for _, op := range slices.Sorted(maps.Keys(cases)) {
			t.Run(strings.TrimPrefix(op, "cognito-identity:"), func(t *testing.T) {
				s := h.site(t)
				cases[op](t, s)
				s.calls.check(t, op)
			})
		}
	})
}

func TestEveryOperationHasACase(t *testing.T) {
	for op := range registered {
		if cases[op] == nil {
			t.Errorf("%s has no test: write one and put it into the table of operations_test.go", op)
		}
	}
	for op := range cases {
		if _, ok := registered[op]; !ok {
			t.Errorf("%s has a test, and is not an operation of the server", op)
		}
	}
	if len(registered) < 20 {
		t.Errorf("only %d operations were found", len(registered))
	}
}
