package oidc

import (
	"slices"

	"idpool/internal/idpool"
)

// provider is what the configuration says about a provider: all that the rest
// of the package works on. It is shared between requests: read only.
type provider struct {
	name        string
	issuers     []string // any of which iss must equal
	jwksURI     string   // where the keys of all of them are; empty: where discovery says
	algorithms  []string // that its tokens may be signed with; empty: all that are accepted
	audiences   []string
	anyAudience bool
	detail      string   // what precedes the subject in the amr claim (behaviour 5.3)
	mappingKey  string   // of the pool's role mappings; for a user pool the client is added
	tagsKey     string   // of the pool's attribute maps
	userPool    bool     // a Cognito user pool
	checked     []string // clients of a user pool with ServerSideTokenCheck
	api         UserPool // that is asked then
}

// provider returns what the configuration says about a name.
func (v *Verifier) provider(pool *idpool.PoolConfig, name string) (p *provider, ok bool) {
	p, ok = v.providers(pool)[name]
	return p, ok
}

// providers are all that a pool trusts, by every name that they have. The pool's
// configuration is read once, not for each request.
func (v *Verifier) providers(pool *idpool.PoolConfig) map[string]*provider {
	return pool.Derive(v, func() any {
		all := map[string]*provider{}
		for _, name := range names(pool) {
			if p, ok := v.find(pool, name); ok {
				all[name] = &p
			}
		}
		return all
	}).(map[string]*provider)
}

// names are those that the configuration may say something about.
func names(pool *idpool.PoolConfig) (list []string) {
	for _, u := range pool.UserPools {
		list = append(list, u.ProviderName, updatedIssuer+u.ProviderName)
	}
	for name := range pool.SupportedLoginProviders {
		list = append(list, name)
	}
	for _, arn := range pool.OIDCProviderARNs {
		if _, name, ok := idpool.ParseProviderARN(arn); ok {
			list = append(list, name)
		}
	}
	return list
}

// find reads what the configuration says about a name: the pool must name it as
// one of its user pools, as one of its login providers, or by the ARN of an IAM
// OIDC provider of its own account.
func (v *Verifier) find(pool *idpool.PoolConfig, name string) (p provider, ok bool) {
	if p, ok = userPool(pool, name); !ok {
		if p, ok = supported(pool, name); !ok {
			p, ok = v.registered(pool, name)
		}
	}
	if o, has := v.config.Overrides[p.name]; ok && has {
		if o.Issuer != "" {
			p.issuers, p.jwksURI = []string{o.Issuer}, ""
		}
		if o.JWKSURI != "" {
			p.jwksURI = o.JWKSURI
		}
		p.api, p.algorithms = o.UserPool, o.Algorithms
	}
	return p, ok
}

// Prefetch implements login.Prefetcher: it asks the issuers of a pool for their
// keys.
func (v *Verifier) Prefetch(pool *idpool.PoolConfig) {
	for _, p := range v.providers(pool) {
		if !p.anyAudience { // of any: not even the issuer is known
			v.keys.of(p.keysAt(p.issuers[0])).prefetch()
		}
	}
}

// updatedIssuer precedes the name of a user pool in the iss of its tokens, if
// the user pool has an "updated" issuer (Amazon Cognito API Reference,
// IssuerConfigurationType). Clients that make the key of the Logins map from
// iss use that name, too.
const updatedIssuer = "issuer-"

// userPool is a Cognito user pool of the pool, with all clients that the pool
// trusts. Both forms of its issuer are one provider.
func userPool(pool *idpool.PoolConfig, name string) (p provider, ok bool) {
	for _, u := range pool.UserPools {
		if name != u.ProviderName && name != updatedIssuer+u.ProviderName {
			continue
		}
		p.name = u.ProviderName
		p.audiences = append(p.audiences, u.ClientID)
		if u.ServerSideTokenCheck {
			p.checked = append(p.checked, u.ClientID)
		}
	}
	p.issuers = []string{"https://" + p.name, "https://" + updatedIssuer + p.name}
	p.detail, p.mappingKey, p.tagsKey, p.userPool = p.name+":CognitoSignIn:", p.name+":", p.name, true
	return p, p.name != ""
}

// wellKnown are the issuers that stand among a pool's login providers with one
// application each, and that everybody knows.
var wellKnown = map[string]struct {
	issuers []string
	jwksURI string
}{
	// Google's tokens have iss in either form (Google Identity, "OpenID
	// Connect", "An ID token's payload").
	"accounts.google.com": {[]string{"https://accounts.google.com", "accounts.google.com"}, "https://www.googleapis.com/oauth2/v3/certs"},
	"appleid.apple.com":   {[]string{"https://appleid.apple.com"}, "https://appleid.apple.com/auth/keys"},
	// Limited Login (Meta for Developers, "OIDC Token for Limited Login"). Its
	// opaque access tokens are another kind's.
	"graph.facebook.com": {[]string{"https://www.facebook.com"}, "https://limited.facebook.com/.well-known/oauth/openid/jwks/"},
}

// supported is a well-known issuer that the pool names with an application.
func supported(pool *idpool.PoolConfig, name string) (provider, bool) {
	known, is := wellKnown[name]
	app := pool.SupportedLoginProviders[name]
	return provider{
		name: name, issuers: known.issuers, jwksURI: known.jwksURI, audiences: []string{app},
		detail: name + ":" + app + ":", mappingKey: name, tagsKey: name,
	}, is && app != ""
}

// registered is an issuer that is registered with IAM.
func (v *Verifier) registered(pool *idpool.PoolConfig, name string) (provider, bool) {
	at := slices.IndexFunc(pool.OIDCProviderARNs, func(arn string) bool {
		account, held, ok := idpool.ParseProviderARN(arn)
		return ok && account == pool.Account && held == name
	})
	if at < 0 {
		return provider{}, false
	}
	arn := pool.OIDCProviderARNs[at]
	p := provider{name: name, detail: idpool.ProviderARN(pool.Account, name) + ":OIDC:", mappingKey: arn, tagsKey: arn}
	iam, known := pool.OIDCProviders[name]
	switch {
	case known:
		p.issuers, p.audiences = []string{iam.URL}, iam.ClientIDs
	case v.config.Dev: // the token's iss chooses among the two, and nothing else
		p.issuers, p.anyAudience = []string{"https://" + name, "http://" + name}, true
	default:
		return provider{}, false
	}
	if w, is := wellKnown[name]; is && p.issuers[0] == w.issuers[0] {
		p.issuers, p.jwksURI = w.issuers, w.jwksURI
	}
	return p, true
}

// takes reports whether the provider's tokens may be signed with an algorithm.
func (p *provider) takes(alg string) bool {
	return len(p.algorithms) == 0 || slices.Contains(p.algorithms, alg)
}

// keysAt is where the keys are of one of the provider's issuers.
func (p *provider) keysAt(issuer string) place {
	if p.jwksURI != "" {
		issuer = p.issuers[0]
	}
	return place{issuer, p.jwksURI}
}

// login is what a token proved.
func (p *provider) login(c *claims, client string) idpool.VerifiedLogin {
	out := idpool.VerifiedLogin{
		Login:      idpool.Login{Provider: p.name, Subject: c.sub},
		Detail:     p.detail + c.sub,
		MappingKey: p.mappingKey, TagsKey: p.tagsKey, Client: client,
		Claims: c.all,
	}
	if p.userPool { // no other issuer may choose roles
		out.MappingKey += client
		out.PreferredRole, _ = c.all["cognito:preferred_role"].(string)
		roles, _ := c.all["cognito:roles"].([]any)
		for _, one := range roles {
			if role, ok := one.(string); ok {
				out.OfferedRoles = append(out.OfferedRoles, role)
			}
		}
	}
	return out
}

// client is the first of the applications that a token is for which the
// provider's tokens may be for.
func (p *provider) client(parties []string) (client string, ok bool) {
	at := slices.IndexFunc(parties, func(id string) bool { return p.anyAudience || slices.Contains(p.audiences, id) })
	if at < 0 {
		return "", false
	}
	return parties[at], true
}
