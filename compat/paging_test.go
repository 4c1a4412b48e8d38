package compat

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"pgregory.net/rapid"
)

// TestListIdentityPoolsPages pages through some 150 pools with the SDK's
// paginator, in pages of every size. Meanwhile pools come and go, above all
// those where a page ended. Nothing is listed twice, and nothing that stayed is
// missed.
func TestListIdentityPoolsPages(t *testing.T) {
	t.Parallel()
	s := newHost(t, true).site(t)
	var pools []string // oldest first
	add := func() {
		younger()
		pools = append(pools, s.bare(t))
	}
	for range 150 {
		add()
	}
	remove := func(id string) {
		if _, err := s.cognito.DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: &id}); err != nil {
			t.Fatal(err)
		}
		pools = slices.DeleteFunc(pools, func(p string) bool { return p == id })
	}
	gone := 0
	for size := int32(1); size <= 60; size++ {
		start := slices.Clone(pools)
		var listed []string
		pages := ci.NewListIdentityPoolsPaginator(s.cognito, &ci.ListIdentityPoolsInput{MaxResults: &size})
		for n := 0; pages.HasMorePages(); n++ {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("size %d: %v", size, err)
			}
			if len(page.IdentityPools) > int(size) || len(page.IdentityPools) == 0 || pages.HasMorePages() && len(page.IdentityPools) < int(size) {
				t.Errorf("size %d: page %d has %d", size, n, len(page.IdentityPools))
			}
			for _, p := range page.IdentityPools {
				listed = append(listed, *p.IdentityPoolId)
			}
			if every := max(1, 75/int(size)); pages.HasMorePages() && n%every == 0 && (size < 10 || size%3 == 0) { // which is often enough
				remove(listed[len(listed)-1])          // where the page ended
				remove(pools[rand.IntN(len(pools)-1)]) // anywhere, but not the last
				add()
				add()
			}
		}
		gone += len(start)
		stayed := slices.DeleteFunc(start, func(p string) bool { return !slices.Contains(pools, p) })
		gone -= len(stayed)
		seen := slices.DeleteFunc(slices.Clone(listed), func(p string) bool { return !slices.Contains(stayed, p) })
		if !slices.Equal(seen, stayed) {
			t.Errorf("size %d: of those that stayed are listed\n%q, want\n%q", size, seen, stayed)
		}
		if slices.Sort(listed); len(slices.Compact(listed)) != len(listed) {
			t.Errorf("size %d: some are listed twice", size)
		}
	}
	if gone < 60 {
		t.Errorf("only %d pools went while they were listed", gone)
	}
}

// TestListIdentityPoolsStorm pages while others make and delete pools at the
// same time.
func TestListIdentityPoolsStorm(t *testing.T) {
	t.Parallel()
	s := newHost(t, true).site(t)
	var stay []string
	for range 40 {
		younger()
		stay = append(stay, s.bare(t))
	}
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for range 4 {
		churn.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				out, err := s.cognito.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("passing")})
				if err == nil {
					_, err = s.cognito.DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: out.IdentityPoolId})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, size := range []int32{1, 3, 7, 40, 60} {
		var listed []string
		for pages := ci.NewListIdentityPoolsPaginator(s.cognito, &ci.ListIdentityPoolsInput{MaxResults: &size}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Error(err)
				break
			}
			for _, p := range page.IdentityPools {
				listed = append(listed, *p.IdentityPoolId)
			}
		}
		if seen := slices.DeleteFunc(slices.Clone(listed), func(p string) bool { return !slices.Contains(stay, p) }); !slices.Equal(seen, stay) {
			t.Errorf("size %d: of those that stayed are listed %q, want %q", size, seen, stay)
		}
		if slices.Sort(listed); len(slices.Compact(listed)) != len(listed) {
			t.Errorf("size %d: some are listed twice", size)
		}
	}
	close(stop)
	churn.Wait()
}

// TestListIdentitiesPages pages through a pool's identities while some are
// deleted and others are made. A third of them is disabled.
func TestListIdentitiesPages(t *testing.T) {
	t.Parallel()
	s := newHost(t, true).site(t)
	pool := s.pool(t)
	var all []string
	disabled := map[string]bool{}
	for i := range 48 {
		ann := s.one.login(fmt.Sprint("ann", i))
		id := s.id(t, pool, ann)
		if i%3 == 0 {
			s.unlink(t, id, ann, s.one.name)
			disabled[id] = true
		}
		all = append(all, id)
	}
	for _, hide := range []bool{false, true} {
		for _, size := range []int32{1, 7, 16, 31, 32, 47, 60} {
			stayed := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return hide && disabled[id] })
			slices.Sort(stayed)
			var listed []string
			in := &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: &size, HideDisabled: hide}
			for first := true; first || in.NextToken != nil; first = false {
				page, err := s.cognito.ListIdentities(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Identities) > int(size) {
					t.Errorf("size %d: a page has %d", size, len(page.Identities))
				}
				for _, i := range page.Identities {
					listed = append(listed, *i.IdentityId)
				}
				in.NextToken = page.NextToken
				if first && in.NextToken != nil { // the one where the page ended goes, another one comes
					last := listed[len(listed)-1]
					if _, err := s.cognito.DeleteIdentities(t.Context(), &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{last}}); err != nil {
						t.Fatal(err)
					}
					gone := func(id string) bool { return id == last }
					stayed, all = slices.DeleteFunc(stayed, gone), append(slices.DeleteFunc(all, gone), s.id(t, pool, nil))
				}
			}
			seen := slices.DeleteFunc(slices.Clone(listed), func(id string) bool { return !slices.Contains(stayed, id) })
			if slices.Sort(seen); !slices.Equal(seen, stayed) {
				t.Errorf("size %d, hide %t: of those that stayed are listed %d, want %d", size, hide, len(seen), len(stayed))
			}
			if hide && slices.ContainsFunc(listed, func(id string) bool { return disabled[id] }) {
				t.Errorf("size %d: disabled ones are listed", size)
			}
			if slices.Sort(listed); len(slices.Compact(listed)) != len(listed) {
				t.Errorf("size %d, hide %t: some are listed twice", size, hide)
			}
		}
	}
}

// TestNextTokens holds that a paging token works for the caller, the region,
// the operation and the arguments that it was made for, and not if a character
// of it is altered.
func TestNextTokens(t *testing.T) {
	t.Parallel()
	h := newHost(t, true)
	s, other := h.site(t), h.site(t)
	pool, second := s.pool(t), s.pool(t)
	for range 3 {
		s.id(t, pool, nil)
		s.id(t, second, nil)
		other.bare(t)
	}
	one := aws.Int32(1)
	pools := func(c clients, token *string) (*string, error) {
		out, err := c.cognito.ListIdentityPools(t.Context(), &ci.ListIdentityPoolsInput{MaxResults: one, NextToken: token})
		if err != nil {
			return nil, err
		}
		return out.NextToken, nil
	}
	people := func(pool string, hide bool, token *string) (*string, error) {
		out, err := s.cognito.ListIdentities(t.Context(), &ci.ListIdentitiesInput{IdentityPoolId: &pool, MaxResults: one, HideDisabled: hide, NextToken: token})
		if err != nil {
			return nil, err
		}
		return out.NextToken, nil
	}
	must := func(token *string, err error) *string {
		t.Helper()
		if err != nil || token == nil {
			t.Fatalf("NextToken %v, %v", token, err)
		}
		return token
	}
	ofPools, ofPeople := must(pools(s.clients, nil)), must(people(pool, false, nil))
	if *ofPools == *must(pools(s.clients, nil)) {
		t.Error("two tokens for one place are the same: they are not sealed")
	}
	// A session of the account is another caller than its root.
	guest := s.id(t, pool, nil)
	minted, err := s.cognito.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
	if err != nil {
		t.Fatal(err)
	}
	session := s.with(fromCognito(minted.Credentials))
	must(pools(session, nil))

	for name, call := range map[string]func() (*string, error){
		"another account":     func() (*string, error) { return pools(other.clients, ofPools) },
		"another principal":   func() (*string, error) { return pools(session, ofPools) },
		"another region":      func() (*string, error) { return pools(s.in("eu-west-1"), ofPools) },
		"another operation":   func() (*string, error) { return people(pool, false, ofPools) },
		"another operation 2": func() (*string, error) { return pools(s.clients, ofPeople) },
		"another pool":        func() (*string, error) { return people(second, false, ofPeople) },
		"HideDisabled":        func() (*string, error) { return people(pool, true, ofPeople) },
	} {
		_, err := call()
		t.Run(name, func(t *testing.T) { refused[*types.InvalidParameterException](t, err, "The NextToken is not valid.") })
	}
	rapid.Check(t, func(rt *rapid.T) {
		token := rapid.SampledFrom([]string{*ofPools, *ofPeople}).Draw(rt, "token")
		at := rapid.IntRange(0, len(token)-1).Draw(rt, "at")
		altered := token[:at] + rapid.StringMatching(`[!-~]{0,2}`).Draw(rt, "characters") + token[at+1:]
		if altered == token || altered == "" {
			return
		}
		_, err := pools(s.clients, &altered)
		if token == *ofPeople {
			_, err = people(pool, false, &altered)
		}
		if err == nil || !strings.Contains(err.Error(), "The NextToken is not valid.") {
			rt.Fatalf("%s instead of %s: %v", altered, token, err)
		}
	})
	// After all that they still work.
	if _, err := pools(s.clients, ofPools); err != nil {
		t.Error(err)
	}
	if _, err := people(pool, false, ofPeople); err != nil {
		t.Error(err)
	}
}
