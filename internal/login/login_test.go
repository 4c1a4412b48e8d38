package login_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idpool/internal/idpool"
	"idpool/internal/login"
)

// kind is a kind of provider whose tokens say who they are for: "ann" at
// PREFIX.example proves the subject ann, and "bad" proves nothing.
type kind struct {
	prefix string
	asked  *[]string // the providers whose tokens were looked at
}

func (k kind) Serves(_ *idpool.PoolConfig, provider string) bool {
	return strings.HasPrefix(provider, k.prefix)
}

func (k kind) Verify(ctx context.Context, pool *idpool.PoolConfig, p login.Presented) (idpool.VerifiedLogin, error) {
	*k.asked = append(*k.asked, p.Provider)
	switch subject := p.Token.Reveal(); subject {
	case "bad":
		return idpool.VerifiedLogin{}, login.Invalid(&login.Refusal{Provider: p.Provider, Check: "signature"}, "Couldn't verify signed token.")
	case "down":
		return idpool.VerifiedLogin{}, idpool.Errorf(idpool.Upstream, "%s does not answer.", p.Provider)
	default:
		return idpool.VerifiedLogin{Login: idpool.Login{Provider: p.Provider, Subject: subject}, Detail: k.prefix + " of " + string(pool.ID) + " " + ctx.Value(kind{}).(string)}, ctx.Err()
	}
}

// TestOrderOfChecks: names before tokens, in the order of the names, and the
// first that is wrong decides (behaviour 2.8 and 4.3).
func TestOrderOfChecks(t *testing.T) {
	const (
		none        = "Identity pool - us-east-1:0-0 does not have identity providers configured."
		own         = "Invalid login token. Can't pass in a Cognito token."
		public      = "Please provide a valid public provider"
		unsupported = "Token is not from a supported provider of this identity pool."
		unverified  = "Invalid login token. Couldn't verify signed token."
	)
	trusting := idpool.Pool{ID: "us-east-1:0-0", OIDCProviderARNs: []string{"x"}, DeveloperProviderName: "dev"}
	for name, c := range map[string]struct {
		pool   idpool.Pool
		logins string // provider=token …, as presented
		asked  string
		want   string // subjects, or the refusal
		kind   idpool.Kind
		check  string // of the refusal, for the operator
	}{
		"nothing":                       {trusting, "", "", "", 0, ""},
		"nothing, and no providers":     {idpool.Pool{ID: "us-east-1:0-0"}, "", "", "", 0, ""},
		"one":                           {trusting, "a.example=ann", "a.example", "ann", 0, ""},
		"sorted by provider":            {trusting, "b.example=bob a2.example=ann a.example=amy", "a.example a2.example b.example", "amy ann bob", 0, ""},
		"no providers":                  {idpool.Pool{ID: "us-east-1:0-0"}, "a.example=ann", "", none, idpool.NotAuthorized, ""},
		"no providers, own token":       {idpool.Pool{ID: "us-east-1:0-0"}, "cognito-identity.amazonaws.com=x", "", none, idpool.NotAuthorized, ""},
		"own token":                     {trusting, "cognito-identity.amazonaws.com=x", "", own, idpool.NotAuthorized, ""},
		"own token of China":            {trusting, "cognito-identity.cn-north-1.amazonaws.com.cn=x", "", own, idpool.NotAuthorized, ""},
		"developer provider":            {trusting, "dev=user", "", public, idpool.Invalid, ""},
		"only a developer provider":     {idpool.Pool{DeveloperProviderName: "dev"}, "dev=user", "", public, idpool.Invalid, ""},
		"unknown provider":              {trusting, "z.example=ann", "", unsupported, idpool.NotAuthorized, "provider"},
		"another case":                  {trusting, "A.example=ann", "", unsupported, idpool.NotAuthorized, "provider"},
		"with a scheme":                 {trusting, "https://a.example=ann", "", unsupported, idpool.NotAuthorized, "provider"},
		"no name":                       {trusting, "=ann", "", unsupported, idpool.NotAuthorized, "provider"},
		"no name, no developer":         {idpool.Pool{OIDCProviderARNs: []string{"x"}}, "=ann", "", public, idpool.Invalid, ""},
		"bad token":                     {trusting, "a.example=bad", "a.example", unverified, idpool.NotAuthorized, "signature"},
		"one good, one bad":             {trusting, "a.example=ann b.example=bad", "a.example b.example", unverified, idpool.NotAuthorized, "signature"},
		"the first bad one decides":     {trusting, "b.example=down a.example=bad", "a.example", unverified, idpool.NotAuthorized, "signature"},
		"the provider does not answer":  {trusting, "b.example=bad a.example=down", "a.example", "a.example does not answer.", idpool.Upstream, ""},
		"a bad name before a bad token": {trusting, "a.example=bad z.example=ann", "", unsupported, idpool.NotAuthorized, "provider"},
		"own token before unknown":      {trusting, "z.example=ann cognito-identity.amazonaws.com=x a.example=bad", "", own, idpool.NotAuthorized, ""},
		"unknown before developer":      {trusting, "dev=user c.example=ann", "", unsupported, idpool.NotAuthorized, "provider"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := []string{}
			kinds := login.Verifiers{kind{"a", &asked}, kind{"b", &asked}}
			var presented []login.Presented
			for word := range strings.FieldsSeq(c.logins) {
				provider, token, _ := strings.Cut(word, "=")
				presented = append(presented, login.Presented{Provider: provider, Token: login.Token(token)})
			}
			before := slices.Clone(presented)
			ctx := context.WithValue(t.Context(), kind{}, "now")
			got, err := kinds.Verify(ctx, &idpool.PoolConfig{Pool: c.pool}, presented)
			if !slices.Equal(presented, before) {
				t.Errorf("the caller's list became %v", presented)
			}
			if strings.Join(asked, " ") != c.asked {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
			if c.kind != 0 {
				fault, ok := errors.AsType[*idpool.Error](err)
				if !ok || fault.Kind != c.kind || fault.Msg != c.want || got != nil {
					t.Fatalf("got %v, %v; want kind %d, %q", got, err, c.kind, c.want)
				}
				refusal, ok := errors.AsType[*login.Refusal](err)
				if ok != (c.check != "") || ok && (refusal.Check != c.check || refusal.Provider == "" && !strings.HasPrefix(c.logins, "=")) {
					t.Errorf("the operator reads %#v", refusal)
				}
				return
			}
			var subjects []string
			for _, v := range got {
				subjects = append(subjects, v.Subject)
				if want := v.Provider[:1] + " of us-east-1:0-0 now"; v.Detail != want {
					t.Errorf("detail %q, want %q", v.Detail, want)
				}
			}
			if err != nil || strings.Join(subjects, " ") != c.want {
				t.Errorf("got %v, %v; want %s", got, err, c.want)
			}
		})
	}
}

// The first kind that serves a provider verifies it.
func TestFirstKindThatServes(t *testing.T) {
	var first, second []string
	kinds := login.Verifiers{kind{"a.", &first}, kind{"a", &second}}
	pool := &idpool.PoolConfig{Pool: idpool.Pool{OIDCProviderARNs: []string{"x"}}}
	ctx := context.WithValue(t.Context(), kind{}, "")
	for _, provider := range []string{"a.example", "ab.example"} {
		if _, err := kinds.Verify(ctx, pool, []login.Presented{{Provider: provider, Token: "ann"}}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(first, []string{"a.example"}) || !slices.Equal(second, []string{"ab.example"}) {
		t.Errorf("the first verified %v, the second %v", first, second)
	}
	for provider, want := range map[string]bool{"a.example": true, "ab.example": true, "b.example": false, "": false} {
		if got := kinds.Serves(pool, provider); got != want {
			t.Errorf("%q is served: %t", provider, got)
		}
	}
}

// In whatever order a map is walked, the same request fares the same.
func TestSameRequestSameAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a1", "a2", "a3", "b1", "b2", "dev", "z", "cognito-identity.amazonaws.com"}), 1, 5, rapid.ID).Draw(t, "providers")
		var presented []login.Presented
		for _, name := range names {
			presented = append(presented, login.Presented{Provider: name, Token: login.Token(rapid.SampledFrom([]string{"ann", "bad", "down"}).Draw(t, "token"))})
		}
		shuffled := rapid.Permutation(presented).Draw(t, "shuffled")
		pool := &idpool.PoolConfig{Pool: idpool.Pool{DeveloperProviderName: "dev"}}
		ctx := context.WithValue(context.Background(), kind{}, "")
		verify := func(p []login.Presented) (verified []idpool.VerifiedLogin, asked []string, err error) {
			verified, err = login.Verifiers{kind{"a", &asked}, kind{"b", &asked}}.Verify(ctx, pool, p)
			return verified, asked, err
		}
		got1, asked1, err1 := verify(presented)
		got2, asked2, err2 := verify(shuffled)
		if !reflect.DeepEqual(got1, got2) || !reflect.DeepEqual(err1, err2) || !slices.Equal(asked1, asked2) {
			t.Errorf("%v: %v, %v, asked %v\n%v: %v, %v, asked %v", presented, got1, err1, asked1, shuffled, got2, err2, asked2)
		}
	})
}

// A refusal has one text for the client and all the data for the operator.
func TestRefusals(t *testing.T) {
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		refusal login.Refusal
		want    string
	}{
		"bare":       {login.Refusal{Provider: "a.example", Check: "parse"}, "a.example: parse"},
		"compared":   {login.Refusal{Provider: "a.example", Check: "audience", Expected: "app", Got: "other"}, "a.example: audience: expected app, got other"},
		"absent":     {login.Refusal{Provider: "a.example", Check: "audience", Expected: "app"}, "a.example: audience: expected app, got "},
		"a cause":    {login.Refusal{Provider: "a.example", Check: "key", Cause: down}, "a.example: key: connection refused"},
		"everything": {login.Refusal{Provider: "a.example", Check: "key", Expected: "x", Got: "y", Cause: down}, "a.example: key: expected x, got y: connection refused"},
	} {
		if got := c.refusal.Error(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if errors.Is(&c.refusal, down) != (c.refusal.Cause != nil) {
			t.Errorf("%s: the cause is lost", name)
		}
		for _, err := range []error{login.Unsupported(&c.refusal), login.Invalid(&c.refusal, "Token expired: %d >= %d", 2, 1)} {
			fault, ok := errors.AsType[*idpool.Error](err)
			refusal, found := errors.AsType[*login.Refusal](err)
			if !ok || !found || fault.Kind != idpool.NotAuthorized || refusal != &c.refusal || strings.Contains(fault.Msg, "a.example") {
				t.Errorf("%s: %#v", name, err)
			}
		}
	}
	if fault, _ := errors.AsType[*idpool.Error](login.Invalid(nil, "Token expired: %d >= %d", 2, 1)); fault.Msg != "Invalid login token. Token expired: 2 >= 1" {
		t.Error(fault.Msg)
	}
}
