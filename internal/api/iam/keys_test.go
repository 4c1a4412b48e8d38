package iam_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/store/sqlite"
)

const invalidKey = "403 InvalidClientTokenId: The security token included in the request is invalid."

// TestKeysWorkWhileTheyAreActive holds that what is done to a key counts from the
// next request on, although keys are remembered.
func TestKeysWorkWhileTheyAreActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.user(t, "Ann", `{"Statement":{"Effect":"Allow","Action":["iam:GetUser","iam:*AccessKey*"],"Resource":"*"}}`)
	who := func(c client) string {
		a := c.call(t, "GetUser", "")
		if a.status != 200 {
			return a.String()
		}
		return a.one("Arn")
	}
	check := func(step, want string) {
		t.Helper()
		for range 2 { // read, then remembered
			if got := who(ann); got != want {
				t.Errorf("%s: %s, want %s", step, got, want)
			}
		}
	}
	arn := "arn:aws:iam::" + account + ":user/Ann"
	check("made", arn)
	w.root.must(t, "UpdateAccessKey", "UserName=Ann&Status=Inactive&AccessKeyId="+ann.id)
	check("inactive", invalidKey)
	w.root.must(t, "UpdateAccessKey", "UserName=Ann&Status=Active&AccessKeyId="+ann.id)
	check("active again", arn)
	w.root.must(t, "UpdateUser", "UserName=Ann&NewUserName=Anna&NewPath=/staff/")
	check("renamed", "arn:aws:iam::"+account+":user/staff/Anna")
	if a := w.root.must(t, "ListAccessKeys", "UserName=Anna"); a.one("UserName") != "Anna" || a.one("AccessKeyId") != ann.id {
		t.Errorf("the keys after renaming: %s", a.body)
	}

	// By herself, without a name.
	second := ann.must(t, "CreateAccessKey", "")
	if second.one("UserName") != "Anna" {
		t.Errorf("a key of %q", second.one("UserName"))
	}
	other := client{w, second.one("AccessKeyId"), second.one("SecretAccessKey"), ""}
	if got := who(other); got != "arn:aws:iam::"+account+":user/staff/Anna" {
		t.Errorf("the second key: %s", got)
	}
	if ids := ann.must(t, "ListAccessKeys", "").all("AccessKeyId"); !slices.Contains(ids, ann.id) || !slices.Contains(ids, other.id) || len(ids) != 2 {
		t.Errorf("keys %q", ids)
	}
	other.must(t, "UpdateAccessKey", "Status=Inactive&AccessKeyId="+ann.id)
	check("made inactive by the other", invalidKey)
	other.must(t, "DeleteAccessKey", "AccessKeyId="+ann.id)
	check("deleted", invalidKey)
	other.must(t, "DeleteAccessKey", "AccessKeyId="+other.id)
	if got := who(other); got != invalidKey {
		t.Errorf("it deleted itself: %s", got)
	}
}

// TestASecretIsShownOnceAndSealed holds that no answer but the first has a
// secret, and the store has none in clear.
func TestASecretIsShownOnceAndSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.must(t, "CreateUser", "UserName=ann")
	made := w.root.must(t, "CreateAccessKey", "UserName=ann")
	id, secret := made.one("AccessKeyId"), made.one("SecretAccessKey")
	if len(secret) != 40 {
		t.Fatalf("secret %q", secret)
	}
	for op, form := range map[string]string{"ListAccessKeys": "UserName=ann", "GetAccessKeyLastUsed": "AccessKeyId=" + id, "UpdateAccessKey": "UserName=ann&Status=Active&AccessKeyId=" + id, "DeleteAccessKey": "UserName=ann&AccessKeyId=" + id} {
		var row idpool.AccessKey
		w.update(t, func(wr idpool.Writer) (err error) { row, err = wr.AccessKey(t.Context(), id); return err })
		if row.User != "ann" || len(row.Secret) == 0 || strings.Contains(string(row.Secret), secret) {
			t.Errorf("stored %+v", row)
		}
		if a := w.root.must(t, op, form); strings.Contains(a.body, secret) {
			t.Errorf("%s: %s", op, a.body)
		}
		if op == "DeleteAccessKey" { // the next one in the map needs it again
			w.update(t, func(wr idpool.Writer) error { return wr.PutAccessKey(t.Context(), row) })
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range w.events {
		if text := fmt.Sprintf("%+v", ev); strings.Contains(text, secret) {
			t.Errorf("in the event: %s", text)
		}
	}
}

// TestKeysOfARoleSession holds that a session of a role has no user of its own.
func TestKeysOfARoleSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.must(t, "CreateRole", "RoleName=app&AssumeRolePolicyDocument={trust2}")
	w.root.must(t, "AttachRolePolicy", "RoleName=app&PolicyArn=arn:aws:iam::aws:policy/IAMFullAccess")
	const refusal = "400 ValidationError: Must specify userName when calling with non-User credentials"
	session := w.session(t, "app")
	for _, op := range []string{"GetUser", "CreateAccessKey", "ListAccessKeys", "ListMFADevices", "GetLoginProfile"} {
		if got := session.call(t, op, ""); got.String() != refusal {
			t.Errorf("%s: %q", op, got)
		}
	}
}

// TestParallelWritersKeepTheRules holds that two of one name, or a third key, are
// not made by asking for them at the same time.
func TestParallelWritersKeepTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.root.must(t, "CreateUser", "UserName=ann")
	together := func(op string, form func(i int) string, want int) {
		t.Helper()
		var mu sync.Mutex
		var group sync.WaitGroup
		made, other := 0, map[string]int{}
		for i := range 8 {
			group.Go(func() {
				a := w.root.call(t, op, form(i))
				mu.Lock()
				defer mu.Unlock()
				if a.status == 200 {
					made++
				} else {
					other[a.code]++
				}
			})
		}
		group.Wait()
		if made != want || len(other) != 1 {
			t.Errorf("%s: %d made, want %d; refusals %v", op, made, want, other)
		}
	}
	spell := func(i int) string { return strings.ToUpper("name"[:i%4]) + "name"[i%4:] }
	together("CreateAccessKey", func(int) string { return "UserName=ann" }, 2)
	together("CreateUser", func(i int) string { return "UserName=" + spell(i) }, 1)
	together("CreateRole", func(i int) string { return "AssumeRolePolicyDocument={trust}&RoleName=" + spell(i) }, 1)
	together("CreatePolicy", func(i int) string { return "PolicyDocument={doc}&PolicyName=" + spell(i) }, 1)
	together("CreateSAMLProvider", func(i int) string { return "SAMLMetadataDocument={metadata}&Name=" + spell(i) }, 1)
	arn := "arn:aws:iam::" + account + ":policy/" + w.root.must(t, "ListPolicies", "Scope=Local").one("PolicyName")
	together("CreatePolicyVersion", func(int) string { return "PolicyDocument={doc}&PolicyArn=" + arn }, 4)
	if got := w.root.must(t, "ListPolicyVersions", "PolicyArn="+arn).all("VersionId"); !slices.Equal(got, []string{"v5", "v4", "v3", "v2", "v1"}) {
		t.Errorf("versions %q", got)
	}
}

// TestAStoreThatDoesNotAnswer holds that nothing of it is told, and that it is
// worth a retry.
func TestAStoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "idpool.db"))
	if err != nil {
		t.Fatal(err)
	}
	given := credential.RootKey{ID: "AKIAGIVENBYOPERATOR0", Secret: "secret"}
	w := newWorld(t)
	w.service.Store = store
	w.service.Broker.Config.RootKey = &given
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	root := client{w, given.ID, given.Secret, ""}
	for op, form := range map[string]string{
		"GetRole": "RoleName=x", "CreateRole": "RoleName=x&AssumeRolePolicyDocument={trust}", "ListUsers": "", "GetUser": "", "CreateAccessKey": "UserName=x", "ListPolicies": "", "ListSAMLProviders": "",
		"GetPolicy": "PolicyArn=" + awsARN, "DeletePolicy": "PolicyArn=" + polARN, "ListEntitiesForPolicy": "PolicyArn=" + awsARN, "UpdateUser": "UserName=x&NewUserName=y",
	} {
		if got := root.call(t, op, form); got.status != 500 || got.code != "ServiceFailure" {
			t.Errorf("%s: %q", op, got)
		}
	}
}
