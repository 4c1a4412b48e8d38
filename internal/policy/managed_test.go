package policy_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"idpool/internal/policy"
)

var managedID = regexp.MustCompile(`^ANPA[A-Z0-9]{17}$`)

// TestManagedByAWSAreGoodPolicies holds for each of AWS's policies that it is a
// policy, and can be found by its ARN.
func TestManagedByAWSAreGoodPolicies(t *testing.T) {
	all := policy.AllManagedByAWS()
	names, ids := []string{}, map[string]bool{}
	for _, m := range all {
		parse(t, m.Document, policy.Identity)
		if found, ok := policy.ManagedByAWS(m.ARN()); !ok || found != m || m.ARN() != "arn:aws:iam::aws:policy/"+m.Name {
			t.Errorf("%s: found %t, %+v", m.ARN(), ok, found)
		}
		if !managedID.MatchString(m.ID) || ids[m.ID] || m.Version == "" || m.Description == "" || m.Updated.Before(m.Created) {
			t.Errorf("%+v", m)
		}
		names, ids[m.ID] = append(names, m.Name), true
	}
	if !slices.IsSorted(names) || len(all) < 10 {
		t.Errorf("policies %q", names)
	}
	all[0].Name = "Changed"
	if policy.AllManagedByAWS()[0].Name == "Changed" {
		t.Error("the list that is handed out is the one that is kept")
	}
	for _, arn := range []string{"", "AdministratorAccess", "arn:aws:iam::aws:policy/", "arn:aws:iam::aws:policy/administratoraccess", "arn:aws:iam::aws:policy/x/AdministratorAccess",
		"arn:aws:iam::123456789012:policy/AdministratorAccess", "arn:aws:iam::aws:role/AdministratorAccess"} {
		if m, ok := policy.ManagedByAWS(arn); ok {
			t.Errorf("%s is %s", arn, m.Name)
		}
	}
}

// TestManagedByAWSAllow is what those of AWS's policies allow that people give to
// operators and to roles of pools.
func TestManagedByAWSAllow(t *testing.T) {
	const reads = "cognito-identity:DescribeIdentityPool cognito-identity:ListIdentities cognito-identity:GetIdentityPoolRoles"
	for name, c := range map[string]struct{ allowed, denied string }{
		"AdministratorAccess":                           {reads + " iam:CreateUser cognito-identity:DeleteIdentityPool s3:PutObject sts:AssumeRole", ""},
		"PowerUserAccess":                               {reads + " cognito-identity:CreateIdentityPool s3:PutObject iam:ListRoles", "iam:GetRole iam:CreateUser iam:PassRole"},
		"ReadOnlyAccess":                                {reads + " cognito-identity:LookupDeveloperIdentity iam:ListUsers iam:GetRole sts:GetCallerIdentity s3:GetObject", "cognito-identity:CreateIdentityPool cognito-identity:TagResource iam:CreateUser iam:PassRole sts:AssumeRole s3:PutObject"},
		"IAMFullAccess":                                 {"iam:CreateUser iam:PassRole iam:GetRole", "cognito-identity:ListIdentityPools s3:GetObject"},
		"IAMReadOnlyAccess":                             {"iam:ListUsers iam:GetRole", "iam:CreateUser iam:PassRole iam:TagRole"},
		"AmazonCognitoPowerUser":                        {reads + " cognito-identity:CreateIdentityPool iam:ListRoles iam:GetSAMLProvider", "iam:CreateRole iam:CreateServiceLinkedRole iam:PassRole"},
		"AmazonCognitoReadOnly":                         {reads + " iam:ListRoles", "cognito-identity:CreateIdentityPool cognito-identity:LookupDeveloperIdentity"},
		"AmazonCognitoDeveloperAuthenticatedIdentities": {"cognito-identity:MergeDeveloperIdentities cognito-identity:LookupDeveloperIdentity", "cognito-identity:GetId cognito-identity:DeleteIdentities"},
		"AmazonCognitoUnAuthedIdentitiesSessionPolicy":  {"rum:PutRumEvents polly:SynthesizeSpeech geo:BatchPutGeofence", "s3:GetObject cognito-identity:GetId iam:GetRole kms:CreateKey"},
		"AmazonS3FullAccess":                            {"s3:PutObject s3:DeleteBucket", "iam:GetRole cognito-identity:ListIdentityPools"},
		"AmazonS3ReadOnlyAccess":                        {"s3:GetObject s3:ListBucket", "s3:PutObject s3:DeleteObject"},
	} {
		m, ok := policy.ManagedByAWS("arn:aws:iam::aws:policy/" + name)
		if !ok {
			t.Errorf("no %s", name)
			continue
		}
		d := parse(t, m.Document, policy.Identity)
		for want, actions := range map[policy.Verdict]string{policy.Allowed: c.allowed, policy.ImplicitDeny: c.denied} {
			for _, action := range strings.Fields(actions) {
				request := policy.Request{Action: action, Resource: "arn:aws:iam::123456789012:role/app"}
				if got := policy.Evaluate(request, policy.Policy{Name: name, Document: d}); got.Verdict != want {
					t.Errorf("%s, %s: %s", name, action, got.Verdict)
				}
			}
		}
	}
}
