package idpool

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Pool is the configuration of an identity pool.
type Pool struct {
	ID      PoolID
	Account string // twelve digits
	Name    string // 1 to 128 characters; not unique

	AllowUnauthenticated bool  // guests
	AllowClassicFlow     *bool // nil: never set, and the classic flow works (behaviour 6.2)

	SupportedLoginProviders map[string]string // provider name → application ID
	DeveloperProviderName   string            // set once, then immutable
	OIDCProviderARNs        []string          // in the order given
	UserPools               []UserPoolClient
	SAMLProviderARNs        []string

	Roles         map[RoleType]string     // role ARNs; nil: never set
	RoleMappings  map[string]RoleMapping  // by MappingKeys
	AttributeMaps map[string]AttributeMap // by AttributeMapKeys
	Tags          map[string]string       // at most 50

	Version  int64 // rises by one with each change
	Created  time.Time
	Modified time.Time
}

// UserPoolClient is an application client of a Cognito user pool that a pool
// trusts.
type UserPoolClient struct {
	ProviderName         string // cognito-idp.REGION.amazonaws.com/USERPOOLID
	ClientID             string
	ServerSideTokenCheck bool
}

// RoleType is a key of a pool's default roles.
type RoleType string

// The two default roles of a pool.
const (
	Authenticated   RoleType = "authenticated"
	Unauthenticated RoleType = "unauthenticated"
)

// ARN is the pool's ARN.
func (p Pool) ARN() string { return PoolARN(p.Account, p.ID) }

// MappingKeys are the keys that the pool's role mappings may have: one for each
// provider that it trusts (behaviour 2.19).
func (p Pool) MappingKeys() []string {
	keys := slices.Concat(sortedKeys(p.SupportedLoginProviders), p.OIDCProviderARNs, p.SAMLProviderARNs)
	for _, u := range p.UserPools {
		keys = append(keys, u.ProviderName+":"+u.ClientID)
	}
	return keys
}

// AttributeMapKeys are the keys that the pool's attribute maps may have. Unlike
// in a role mapping, a user pool stands without its client (behaviour 2.18).
func (p Pool) AttributeMapKeys() []string {
	keys := slices.Concat(sortedKeys(p.SupportedLoginProviders), p.OIDCProviderARNs, p.SAMLProviderARNs)
	for _, u := range p.UserPools {
		keys = append(keys, u.ProviderName)
	}
	return keys
}

// HasProviders reports whether the pool trusts any provider at all.
func (p Pool) HasProviders() bool {
	return len(p.SupportedLoginProviders)+len(p.OIDCProviderARNs)+len(p.UserPools)+len(p.SAMLProviderARNs) > 0 ||
		p.DeveloperProviderName != ""
}

// Clone copies the pool with its maps and lists, so that the copy can change.
func (p Pool) Clone() Pool {
	if p.AllowClassicFlow != nil {
		allow := *p.AllowClassicFlow
		p.AllowClassicFlow = &allow
	}
	p.SupportedLoginProviders = maps.Clone(p.SupportedLoginProviders)
	p.OIDCProviderARNs = slices.Clone(p.OIDCProviderARNs)
	p.UserPools = slices.Clone(p.UserPools)
	p.SAMLProviderARNs = slices.Clone(p.SAMLProviderARNs)
	p.Roles = maps.Clone(p.Roles)
	p.RoleMappings = maps.Clone(p.RoleMappings)   // a mapping itself is replaced whole
	p.AttributeMaps = maps.Clone(p.AttributeMaps) // as is an attribute map
	p.Tags = maps.Clone(p.Tags)
	return p
}

// PoolSummary is what a listing of pools shows.
type PoolSummary struct {
	ID      PoolID
	Name    string
	Created time.Time
}

// Cursor is the place of this pool in a listing.
func (s PoolSummary) Cursor() PoolCursor { return PoolCursor{Created: s.Created.UnixMilli(), ID: s.ID} }

// PoolCursor is a place in the listing of pools, which is ordered by creation
// time and then by ID. The zero value is the place before the first.
type PoolCursor struct {
	Created int64 // milliseconds since 1970
	ID      PoolID
}

// Compare orders two places.
func (c PoolCursor) Compare(d PoolCursor) int {
	if n := cmp.Compare(c.Created, d.Created); n != 0 {
		return n
	}
	return cmp.Compare(c.ID, d.ID)
}

// OIDCProvider is an IAM OIDC provider: an issuer that the account trusts, and
// the audiences (client IDs) whose tokens it accepts.
type OIDCProvider struct {
	Account     string
	Name        string // host and path of the URL; unique in the account
	URL         string // with the scheme, as it was given: the issuer
	ClientIDs   []string
	Thumbprints []string
	Tags        map[string]string
	Created     time.Time
}

// ARN is the provider's ARN.
func (p OIDCProvider) ARN() string { return ProviderARN(p.Account, p.Name) }

// AccessKey is a long-lived key of an account's root or of a user. Its secret
// is sealed.
type AccessKey struct {
	ID       string
	Account  string
	User     string // name; empty for the root
	Inactive bool
	Secret   []byte // sealed
	Created  time.Time
}

// SigningKey is a key that signs OpenID tokens. Its private half is sealed.
type SigningKey struct {
	ID          string // kid: region and number, us-east-11
	Private     []byte // sealed PKCS #8
	Certificate []byte // DER, self-signed: the x5c of the key set
	Created     time.Time
	UseFrom     time.Time
	Retired     time.Time // when it was retired by hand; zero if it was not
}
