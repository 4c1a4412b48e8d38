package policy_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"idpool/internal/policy"
)

var managedID = regexp.MustCompile(`^ANPA[A-Z0-9]{17}$`)

// TestAWSManaged holds for each of AWS's policies that it is a policy, and can be
// found by its ARN.
func TestAWSManaged(t *testing.T) {
	arns, ids := policy.AWSManagedARNs(), map[string]bool{}
	if !slices.IsSorted(arns) || len(arns) < 10 {
		t.Errorf("policies %q", arns)
	}
	for _, arn := range arns {
		m, ok := policy.FindAWSManaged(arn)
		text, okText := policy.AWSManaged(arn)
		if !ok || !okText || text != m.Document || m.ARN() != arn || arn != "arn:aws:iam::aws:policy/"+m.Name {
			t.Errorf("%s: found %t and %t: %+v", arn, ok, okText, m)
		}
		parse(t, text, policy.Identity)
		if !managedID.MatchString(m.ID) || ids[m.ID] || m.Version == "" || m.Description == "" || m.Updated.Before(m.Created) {
			t.Errorf("%+v", m)
		}
		ids[m.ID] = true
	}
	parse(t, policy.GuestScope, policy.Identity)
	for _, arn := range []string{"", "AdministratorAccess", "arn:aws:iam::aws:policy/", "arn:aws:iam::aws:policy/administratoraccess", "arn:aws:iam::aws:policy/x/AdministratorAccess",
		"arn:aws:iam::123456789012:policy/AdministratorAccess", "arn:aws:iam::aws:role/AdministratorAccess"} {
		if m, ok := policy.FindAWSManaged(arn); ok {
			t.Errorf("%s is %s", arn, m.Name)
		}
	}
}

// TestGuestsPage holds that docs/guests.md shows the policies that guests are
// limited by, and that its example is one.
func TestGuestsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/guests.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, block := range jsonBlocks(string(page)) {
		parse(t, block, policy.Identity)
		var text bytes.Buffer
		if err := json.Compact(&text, []byte(block)); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, text.String())
	}
	managed, _ := policy.AWSManaged("arn:aws:iam::aws:policy/AmazonCognitoUnAuthedIdentitiesSessionPolicy")
	if want := []string{policy.GuestScope, managed}; len(shown) != 3 || !slices.Equal(shown[:2], want) {
		t.Errorf("the page shows %q, want %q and an example", shown, want)
	}
}

// TestRecipes holds that the policies in docs/recipes are policies, and that
// those which trust our issuer pin a pool.
func TestRecipes(t *testing.T) {
	pages, err := filepath.Glob("../../docs/recipes/*.md")
	if err != nil {
		t.Fatal(err)
	}
	trusts := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range jsonBlocks(string(text)) {
			var document struct {
				Statement []struct {
					Principal any
					Condition map[string]map[string]any
				}
			}
			if err := json.Unmarshal([]byte(block), &document); err != nil {
				t.Errorf("%s: %v", page, err)
			}
			switch { // a file of another kind may hold policies
			case len(document.Statement) == 0:
			case document.Statement[0].Principal == nil:
				parse(t, block, policy.Identity)
			default:
				trusts++
				parse(t, block, policy.Trust)
				pinned := slices.Sorted(maps.Keys(document.Statement[0].Condition["StringEquals"]))
				if len(pinned) != 1 || !strings.HasSuffix(pinned[0], ":aud") {
					t.Errorf("%s pins %q", page, pinned)
				}
			}
		}
	}
	if trusts < 2 {
		t.Errorf("only %d trust policies in %q", trusts, pages)
	}
}

// jsonBlocks are the JSON texts that a page shows.
func jsonBlocks(page string) (blocks []string) {
	for _, block := range strings.Split(page, "\n```json\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

// TestAWSManagedAllow is what those of AWS's policies allow that people give to
// operators and to roles of pools.
func TestAWSManagedAllow(t *testing.T) {
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
		m, ok := policy.FindAWSManaged("arn:aws:iam::aws:policy/" + name)
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
