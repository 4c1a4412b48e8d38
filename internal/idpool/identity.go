package idpool

import (
	"slices"
	"strings"
	"time"
)

// Login is a link between a person at a provider and an identity. In a request
// it is proven before it gets this type; see [VerifiedLogin].
type Login struct {
	Provider string // normalised name
	Subject  string // exactly as the provider spells it
}

// VerifiedLogin is a login whose proof was checked. Only package login makes
// one.
type VerifiedLogin struct {
	Login
	// Detail is the third element of the amr claim, such as
	// "arn:aws:iam::ACCOUNT:oidc-provider/HOST:OIDC:SUBJECT" (behaviour 5.3).
	Detail string
	// MappingKey and TagsKey are the keys under which the pool keeps the role
	// mapping and the attribute map of the provider (Pool.MappingKeys,
	// Pool.AttributeMapKeys).
	MappingKey, TagsKey string
	// Client is the application that the token was made for.
	Client string
	// DefaultTags are the principal tags of an attribute map that says
	// UseDefaults; nil: username is the subject, client the client.
	DefaultTags map[string]string
	// OfferedRoles and PreferredRole are the role ARNs that the provider
	// itself chose for the person. Only kinds of provider that may choose set
	// them: Cognito user pools (cognito:roles, cognito:preferred_role), if the
	// pool has a role mapping that says so, and SAML providers in any case.
	OfferedRoles  []string
	PreferredRole string
	// ProviderChooses says that the roles offered count without a role mapping.
	ProviderChooses bool
	// Claims are the statements of the token. They are shared: read only.
	Claims Claims
}

// Claims are the statements of a verified token, as JSON decodes them.
type Claims map[string]any

// Links are the logins without their proofs, in the same order.
func Links(verified []VerifiedLogin) []Login {
	out := make([]Login, len(verified))
	for i, v := range verified {
		out[i] = v.Login
	}
	return out
}

// Identity is one stable ID in a pool, with the logins that lead to it.
type Identity struct {
	ID         IdentityID
	Pool       PoolID
	Logins     []Login // sorted by provider, then subject; empty for a guest
	Disabled   bool    // merged away or stripped of its last login: never usable again
	MergedInto IdentityID
	Created    time.Time
	Modified   time.Time
	Seen       time.Time // of a guest only: when last used, give or take; see [TouchGuest]
}

// Guest reports whether the identity never had a login.
func (i Identity) Guest() bool { return len(i.Logins) == 0 && !i.Disabled }

// Has reports whether the login leads to the identity.
func (i Identity) Has(l Login) bool { return slices.Contains(i.Logins, l) }

// SortLogins puts logins into their canonical order.
func SortLogins(logins []Login) {
	slices.SortFunc(logins, func(a, b Login) int {
		if c := strings.Compare(a.Provider, b.Provider); c != 0 {
			return c
		}
		return strings.Compare(a.Subject, b.Subject)
	})
}
