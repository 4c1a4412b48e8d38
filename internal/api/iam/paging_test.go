package iam_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
)

// list is a list operation and the element that names an item.
type list struct{ op, form, item string }

// lists are all that have pages with something on them.
var lists = []list{
	{"ListRoles", "", "RoleName"},
	{"ListRoles", "PathPrefix=/a/", "RoleName"},
	{"ListUsers", "", "UserName"},
	{"ListPolicies", "", "Arn"},
	{"ListPolicies", "Scope=Local", "Arn"},
	{"ListPolicies", "OnlyAttached=true", "Arn"},
	{"ListRolePolicies", "RoleName=r0", "member"},
	{"ListUserPolicies", "UserName=u0", "member"},
	{"ListAttachedRolePolicies", "RoleName=r0", "PolicyArn"},
	{"ListAttachedUserPolicies", "UserName=u0", "PolicyArn"},
	{"ListEntitiesForPolicy", "PolicyArn=" + awsARN, "(?:RoleId|UserId)"},
	{"ListPolicyVersions", "PolicyArn=arn:aws:iam::" + account + ":policy/p0", "VersionId"},
	{"ListAccessKeys", "UserName=u0", "AccessKeyId"},
	{"ListRoleTags", "RoleName=r0", "Key"},
	{"ListUserTags", "UserName=u0", "Key"},
	{"ListPolicyTags", "PolicyArn=arn:aws:iam::" + account + ":policy/p0", "Key"},
	{"ListSAMLProviderTags", "SAMLProviderArn=arn:aws:iam::" + account + ":saml-provider/s0", "Key"},
	{"ListOpenIDConnectProviderTags", "OpenIDConnectProviderArn=" + oidcARN, "Key"},
}

// crowd fills an account with several of everything.
func (w *world) crowd(t *testing.T) {
	tags, inline := map[string]string{}, map[string]string{}
	for i := range 7 {
		tags[strings.Repeat("日", 120)+fmt.Sprint(i)] = "" // as long as keys get
		inline[strings.Repeat(string("aB"[i%2]), 100)+fmt.Sprint(i)] = documents["doc2"]
	}
	attached := []string{awsARN, "arn:aws:iam::" + account + ":policy/ReadOnlyAccess", "arn:aws:iam::" + account + ":policy/p0", "arn:aws:iam::aws:policy/IAMFullAccess", "arn:aws:iam::aws:policy/AmazonS3FullAccess"}
	slices.Sort(attached)
	grants := idpool.Grants{Inline: inline, Attached: attached}
	light := idpool.Grants{Attached: []string{awsARN}}
	w.update(t, func(wr idpool.Writer) error {
		ctx := t.Context()
		put := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 9 {
			name := func(letter string) string {
				if i%2 == 1 {
					letter = strings.ToUpper(letter)
				}
				return letter + fmt.Sprint(i)
			}
			path := []string{"/", "/a/", "/a/b/"}[i%3]
			grants, tags := grants, tags
			if i > 0 { // one of each is enough
				grants, tags = light, nil
			}
			put(wr.PutRole(ctx, idpool.Role{Account: account, Name: name("r"), Path: path, ID: newID("AROA", i), Trust: documents["trust"], Grants: grants, Tags: tags, Created: testNow}))
			put(wr.PutUser(ctx, idpool.User{Account: account, Name: name("u"), Path: path, ID: newID("AIDA", i), Grants: grants, Tags: tags, Created: testNow}))
			put(wr.PutSAMLProvider(ctx, idpool.SAMLProvider{Account: account, Name: name("s"), Metadata: documents["metadata"], Tags: tags, Created: testNow}))
			p := idpool.ManagedPolicy{Account: account, Name: name("p"), Path: "/", ID: newID("ANPA", i), Default: "v9", Tags: tags}
			for v := range 4 {
				p.Versions = append(p.Versions, idpool.PolicyVersion{ID: fmt.Sprint("v", v+8), Document: documents["doc"], Created: testNow}) // v9 before v10
			}
			put(wr.PutManagedPolicy(ctx, p))
			put(wr.PutAccessKey(ctx, idpool.AccessKey{ID: fmt.Sprintf("AKIA%016d", i), Account: account, User: "u0", Secret: []byte("x"), Created: testNow}))
		}
		put(wr.PutManagedPolicy(ctx, idpool.ManagedPolicy{Account: account, Name: "ReadOnlyAccess", Path: "/", ID: newID("ANPA", 99), Default: "v1"})) // as one of AWS
		put(wr.PutOIDCProvider(ctx, idpool.OIDCProvider{Account: account, Name: "idp.example.com/r", URL: "https://idp.example.com/r", Tags: tags}))
		return nil
	})
}

func newID(prefix string, i int) string { return prefix + fmt.Sprintf("%017d", i) }

// TestPages holds for every list that its pages, whatever their sizes, are the
// whole list in its order.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(t)
	whole := make([][]string, len(lists))
	for i, l := range lists {
		all := w.root.must(t, l.op, l.form+"&MaxItems=1000")
		if whole[i] = all.all(l.item); len(whole[i]) < 4 || all.one("IsTruncated") != "false" {
			t.Fatalf("%s %s: only %d items: %s", l.op, l.form, len(whole[i]), all.body)
		}
	}
	// pages reads a list in pages of such sizes.
	pages := func(i int, size func() int) error {
		l, want, got, marker := lists[i], whole[i], []string(nil), ""
		for {
			n := size()
			page := w.root.must(t, l.op, fmt.Sprintf("%s&MaxItems=%d%s", l.form, n, marker))
			items, next := page.all(l.item), page.one("Marker")
			got = append(got, items...)
			if (page.one("IsTruncated") == "true") != (next != "") || len(items) > n || next != "" && len(items) != n || len(got) > len(want) {
				return fmt.Errorf("%s %s: %d of %d, truncated %s, marker %q", l.op, l.form, len(items), n, page.one("IsTruncated"), next)
			}
			if next == "" {
				break
			}
			marker = "&Marker=" + next
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s %s: %q, want %q", l.op, l.form, got, want)
		}
		return nil
	}
	for i := range lists {
		for _, n := range []int{1, len(whole[i]) - 1} {
			if err := pages(i, func() int { return n }); err != nil {
				t.Error(err)
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(lists)-1).Draw(rt, "list")
		if err := pages(i, func() int { return rapid.IntRange(2, len(whole[i])).Draw(rt, "size") }); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestPagesGoOnAfterWhatIsGone holds that items that come and go between two
// pages make no other be shown twice or left out.
func TestPagesGoOnAfterWhatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "c", "e", "g"} {
		w.root.must(t, "CreateUser", "UserName="+name)
	}
	first := w.root.must(t, "ListUsers", "MaxItems=2")
	w.root.must(t, "DeleteUser", "UserName=c") // the last of the page
	w.root.must(t, "DeleteUser", "UserName=a")
	w.root.must(t, "CreateUser", "UserName=b")
	w.root.must(t, "CreateUser", "UserName=f")
	rest := w.root.must(t, "ListUsers", "Marker="+first.one("Marker"))
	if got := append(first.all("UserName"), rest.all("UserName")...); !slices.Equal(got, []string{"a", "c", "e", "f", "g"}) {
		t.Errorf("got %q", got)
	}
	for _, name := range []string{"b", "e", "f", "g"} {
		w.root.must(t, "DeleteUser", "UserName="+name)
	}
	if over := w.root.must(t, "ListUsers", "Marker="+first.one("Marker")); len(over.all("UserName")) != 0 || over.one("IsTruncated") != "false" {
		t.Errorf("nothing is left: %s", over.body)
	}
}

// TestMarkersWorkOnlyWhereTheyWereMade holds that a marker is good for its
// caller, operation and arguments, and for no others.
func TestMarkersWorkOnlyWhereTheyWereMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crowd(t)
	reader := w.user(t, "reader", `{"Statement":{"Effect":"Allow","Action":"iam:List*","Resource":"*"}}`)
	markers := make([]string, len(lists))
	for i, l := range lists {
		if markers[i] = w.root.must(t, l.op, l.form+"&MaxItems=1").one("Marker"); markers[i] == "" || len(markers[i]) > 1024 {
			t.Fatalf("%s %s: marker %q", l.op, l.form, markers[i])
		}
	}
	refuses := func(c client, l list, marker, what string) {
		t.Helper()
		if a := c.call(t, l.op, l.form+"&Marker="+marker); a.String() != badMarker {
			t.Errorf("%s %s takes the marker of %s: %q", l.op, l.form, what, a)
		}
	}
	for i, l := range lists {
		w.root.must(t, l.op, l.form+"&Marker="+markers[i]+"&MaxItems=3") // another size is no other place
		for next := 1; next <= 4; next++ {
			j := (i + next) % len(lists)
			refuses(w.root, l, markers[j], lists[j].op+" "+lists[j].form)
		}
		refuses(reader, l, markers[i], "somebody else")
		at, flipped := rand.IntN(len(markers[i])), []byte(markers[i])
		if flipped[at]++; flipped[at] > 'z' {
			flipped[at] = 'A'
		}
		refuses(w.root, l, url.QueryEscape(string(flipped)), fmt.Sprintf("a change at %d", at))
		refuses(w.root, l, markers[i]+"A", "more")
		refuses(w.root, l, markers[i][:len(markers[i])-1], "less")
	}
	// Where names are the same in another account.
	w.foreign.must(t, "CreateUser", "UserName=u0")
	refuses(w.foreign, lists[2], markers[2], "another account")
	for form, want := range map[string]string{
		"PathPrefix=/a/b/": badMarker,
		"PathPrefix=/":     badMarker,
	} {
		if a := w.root.call(t, "ListRoles", form+"&Marker="+markers[1]); a.String() != want {
			t.Errorf("ListRoles %s: %q", form, a)
		}
	}
}

// TestAHundredItemsMakeAPage holds the default size.
func TestAHundredItemsMakeAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.update(t, func(wr idpool.Writer) error {
		for i := range 100 {
			if err := wr.PutUser(t.Context(), idpool.User{Account: account, Name: fmt.Sprintf("u%04d", i), Path: "/", ID: newID("AIDA", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if a := w.root.must(t, "ListUsers", ""); len(a.all("UserName")) != 100 || a.one("IsTruncated") != "false" {
		t.Errorf("%d of 100, truncated %s", len(a.all("UserName")), a.one("IsTruncated"))
	}
	w.root.must(t, "CreateUser", "UserName=z")
	if a := w.root.must(t, "ListUsers", ""); len(a.all("UserName")) != 100 || a.one("IsTruncated") != "true" {
		t.Errorf("%d of 101, truncated %s", len(a.all("UserName")), a.one("IsTruncated"))
	}
}
