package iam_test

import (
	"fmt"
	"testing"

	"idpool/internal/idpool"
)

// TestQuotas holds for each quota that the last one fits, and one more does not.
func TestQuotas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fill := func(n int, put func(w idpool.Writer, name string) error) {
		t.Helper()
		w.update(t, func(wr idpool.Writer) error {
			for i := range n {
				if err := put(wr, fmt.Sprintf("filler%04d", i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ctx := t.Context()
	fill(999, func(w idpool.Writer, name string) error {
		return w.PutRole(ctx, idpool.Role{Account: account, Name: name, Path: "/"})
	})
	fill(4999, func(w idpool.Writer, name string) error {
		return w.PutUser(ctx, idpool.User{Account: account, Name: name, Path: "/"})
	})
	fill(1499, func(w idpool.Writer, name string) error {
		return w.PutManagedPolicy(ctx, idpool.ManagedPolicy{Account: account, Name: name, Path: "/", Default: "v1", Versions: []idpool.PolicyVersion{{ID: "v1", Document: documents["doc"]}}})
	})
	fill(99, func(w idpool.Writer, name string) error {
		return w.PutSAMLProvider(ctx, idpool.SAMLProvider{Account: account, Name: name})
	})
	for _, c := range []struct{ op, form, want string }{
		{"CreateRole", "AssumeRolePolicyDocument={trust}&RoleName=", "Cannot exceed quota for RolesPerAccount: 1000"},
		{"CreateUser", "UserName=", "Cannot exceed quota for UsersPerAccount: 5000"},
		{"CreatePolicy", "PolicyDocument={doc}&PolicyName=", "Cannot exceed quota for PoliciesPerAccount: 1500"},
		{"CreateSAMLProvider", "SAMLMetadataDocument={metadata}&Name=", "Cannot exceed quota for SAMLProvidersPerAccount: 100"},
	} {
		w.root.must(t, c.op, c.form+"last")
		if got := w.root.call(t, c.op, c.form+"more"); got.String() != "409 LimitExceeded: "+c.want {
			t.Errorf("%s: %q", c.op, got)
		}
		w.foreign.must(t, c.op, c.form+"more") // of each account
	}
	for _, who := range []string{"Role", "User"} {
		attach := func(i int) answer {
			return w.root.call(t, "Attach"+who+"Policy", fmt.Sprintf("%sName=last&PolicyArn=arn:aws:iam::%s:policy/filler%04d", who, account, i))
		}
		for i := range 10 {
			if got := attach(i); got.status != 200 {
				t.Fatal(got)
			}
		}
		if got := attach(10); got.String() != "409 LimitExceeded: Cannot exceed quota for PoliciesPer"+who+": 10" {
			t.Errorf("the eleventh policy of a %s: %q", who, got)
		}
		if got := attach(9); got.status != 200 {
			t.Errorf("one that is attached: %q", got)
		}
		tag := func(key string) answer {
			return w.root.call(t, "Tag"+who, who+"Name=last&Tags.member.1.Value=&Tags.member.1.Key="+key)
		}
		for i := range 50 {
			if got := tag(fmt.Sprint("k", i)); got.status != 200 {
				t.Fatal(got)
			}
		}
		if got := tag("more"); got.String() != "409 LimitExceeded: The number of tags has reached the maximum limit." {
			t.Errorf("the 51st tag of a %s: %q", who, got)
		}
		if got := tag("K7"); got.status != 200 {
			t.Errorf("one that is there in another case: %q", got)
		}
	}
}
