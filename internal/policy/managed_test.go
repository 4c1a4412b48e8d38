package policy_test

import (
	"testing"

	"idpool/internal/policy"
)

func TestAWSManaged(t *testing.T) {
	arns := policy.AWSManagedARNs()
	if len(arns) < 10 {
		t.Fatalf("only %d", len(arns))
	}
	for _, arn := range arns {
		text, ok := policy.AWSManaged(arn)
		if _, err := policy.Parse(text, policy.Identity); !ok || err != nil {
			t.Errorf("%s: %t %v", arn, ok, err)
		}
	}
	for _, arn := range []string{"", "arn:aws:iam::aws:policy/", "arn:aws:iam::aws:policy/administratoraccess", "arn:aws:iam::111122223333:policy/AdministratorAccess"} {
		if _, ok := policy.AWSManaged(arn); ok {
			t.Errorf("there is a policy %q", arn)
		}
	}
	if _, err := policy.Parse(policy.GuestScope, policy.Identity); err != nil {
		t.Error(err)
	}
}
