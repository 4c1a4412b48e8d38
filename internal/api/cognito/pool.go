package cognito

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"idpool/internal/idpool"
)

// poolSettings are the members that creating and updating a pool have in
// common.
type poolSettings struct {
	IdentityPoolName               string
	AllowUnauthenticatedIdentities bool
	AllowClassicFlow               *bool             `json:",omitzero"`
	SupportedLoginProviders        map[string]string `json:",omitempty"`
	DeveloperProviderName          string            `json:",omitempty"`
	OpenIDConnectProviderARNs      []string          `json:"OpenIdConnectProviderARNs,omitempty"`
	CognitoIdentityProviders       []userPool        `json:",omitempty"`
	SAMLProviderARNs               []string          `json:"SamlProviderARNs,omitempty"`
	IdentityPoolTags               map[string]string
}

type userPool struct {
	ProviderName         string `json:",omitempty"`
	ClientID             string `json:"ClientId,omitempty"`
	ServerSideTokenCheck bool
}

// poolDescription is a pool as clients see it. Empty members are left out, but
// for the tags (behaviour 2.2).
type poolDescription struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	poolSettings
}

func describe(p idpool.Pool) poolDescription {
	d := poolDescription{IdentityPoolID: string(p.ID), poolSettings: poolSettings{
		IdentityPoolName:               p.Name,
		AllowUnauthenticatedIdentities: p.AllowUnauthenticated,
		AllowClassicFlow:               p.AllowClassicFlow,
		SupportedLoginProviders:        p.SupportedLoginProviders,
		DeveloperProviderName:          p.DeveloperProviderName,
		OpenIDConnectProviderARNs:      p.OIDCProviderARNs,
		SAMLProviderARNs:               p.SAMLProviderARNs,
		IdentityPoolTags:               p.Tags,
	}}
	for _, u := range p.UserPools {
		d.CognitoIdentityProviders = append(d.CognitoIdentityProviders, userPool(u))
	}
	return d
}

// applyTo checks the settings and puts them into a pool. What is absent goes
// back to its default, but for the developer provider's name and the tags,
// which stay (behaviour 2.22).
func (s *Service) applyTo(p *idpool.Pool, in poolSettings) error {
	if in.DeveloperProviderName != "" {
		if p.DeveloperProviderName != "" && p.DeveloperProviderName != in.DeveloperProviderName {
			return idpool.Errorf(idpool.Invalid, "The DeveloperProviderName of an identity pool cannot be changed once it is set.")
		}
		p.DeveloperProviderName = in.DeveloperProviderName
	}
	if in.IdentityPoolTags != nil {
		if err := s.checkTags(in.IdentityPoolTags); err != nil {
			return err
		}
		p.Tags = in.IdentityPoolTags
	}
	p.Name = in.IdentityPoolName
	p.AllowUnauthenticated = in.AllowUnauthenticatedIdentities
	p.AllowClassicFlow = in.AllowClassicFlow
	p.SupportedLoginProviders = in.SupportedLoginProviders
	p.OIDCProviderARNs = in.OpenIDConnectProviderARNs
	p.SAMLProviderARNs = in.SAMLProviderARNs
	p.UserPools = nil
	for _, u := range in.CognitoIdentityProviders {
		p.UserPools = append(p.UserPools, idpool.UserPoolClient(u))
	}
	return s.checkProviders(*p)
}

// loginProviderNames are the keys that SupportedLoginProviders takes
// (behaviour 4.1).
var loginProviderNames = []string{
	"accounts.google.com", "api.twitter.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com", "www.digits.com",
}

var (
	userPoolForm     = regexp.MustCompile(`^cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[\w-]+_[0-9a-zA-Z]+$`)
	samlProviderForm = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):saml-provider/[\w._-]{1,128}$`)
)

// checkProviders checks what the service model does not (behaviour 2.2). That
// an OIDC provider or a user pool exists is not asked, as at AWS.
func (s *Service) checkProviders(p idpool.Pool) error {
	for _, name := range sortedKeys(p.SupportedLoginProviders) {
		if !slices.Contains(loginProviderNames, name) {
			return idpool.Errorf(idpool.Invalid, "(%s) is not a supported login provider.", name)
		}
	}
	if limit := s.Limits.UserPoolClients; limit > 0 && len(p.UserPools) > limit {
		return idpool.Errorf(idpool.Limit, "An identity pool can have at most %d Cognito identity providers, not %d.", limit, len(p.UserPools))
	}
	for i, u := range p.UserPools {
		if u.ClientID == "" || !userPoolForm.MatchString(u.ProviderName) {
			return idpool.Errorf(idpool.Invalid, "Invalid Cognito Identity Provider")
		}
		if slices.ContainsFunc(p.UserPools[:i], func(v idpool.UserPoolClient) bool {
			return v.ProviderName == u.ProviderName && v.ClientID == u.ClientID
		}) {
			return idpool.Errorf(idpool.Invalid, "Duplicate Cognito Identity Provider")
		}
	}
	for _, arn := range p.OIDCProviderARNs {
		if _, _, ok := idpool.ParseProviderARN(arn); !ok {
			return idpool.Errorf(idpool.Invalid, "Invalid OpenIdConnect provider ARN: %s", arn)
		}
	}
	return nil
}

// checkSAMLProviders holds that the SAML providers of a pool exist in its account
// (behaviour 2.2). In development mode the form of their ARNs is enough. It is
// done before the transaction: one that is deleted meanwhile is trusted by
// nobody, as one that is deleted later.
func (s *Service) checkSAMLProviders(ctx context.Context, account string, arns []string) error {
	if len(arns) == 0 {
		return nil
	}
	return s.Store.View(ctx, func(r idpool.Reader) error {
		for i, arn := range arns {
			if slices.Contains(arns[:i], arn) {
				continue // a provider is long, and a list can name it often
			}
			_, err := idpool.SAMLProviderByARN(ctx, r, account, arn)
			if m := samlProviderForm.FindStringSubmatch(arn); s.AnySAMLProvider && m != nil && m[2] == account && idpool.IsNotFound(err) {
				err = nil
			}
			if idpool.IsNotFound(err) {
				err = idpool.Errorf(idpool.NotAuthorized, "Identity provider %s is not valid for account %s", arn, account)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// checkTags checks a pool's whole set of tags (behaviour 7.3).
func (s *Service) checkTags(tags map[string]string) error {
	if limit := s.Limits.Tags; limit > 0 && len(tags) > limit {
		return idpool.Errorf(idpool.Invalid, "An identity pool can have at most %d tags, not %d.", limit, len(tags))
	}
	for _, key := range sortedKeys(tags) {
		switch {
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return idpool.Errorf(idpool.Invalid, "Tag keys that begin with aws: are reserved.")
		case !tagForm.MatchString(key) || !tagForm.MatchString(tags[key]):
			return idpool.Errorf(idpool.Invalid, "Tag keys and values can hold letters, digits, white space and _ . : / = + - @ only.")
		}
	}
	return nil
}
