package iam

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var createOIDCProviderShape = wire.Struct{
	wire.Req("Url", wire.Str{Min: 1, Max: 255}),
	wire.Opt("ClientIDList", wire.List{Of: clientID}),
	wire.Opt("ThumbprintList", wire.List{Of: thumbprint}),
	wire.Opt("Tags", tags),
}

type createOIDCProviderInput struct {
	URL            string `json:"Url"`
	ClientIDList   []string
	ThumbprintList []string
	Tags           []tag
}

type createOIDCProviderOutput struct {
	OpenIDConnectProviderArn string
	Tags                     wire.XMLList[tag]
}

// The quotas of behaviour 9.2.
const (
	maxClientIDs   = 100
	maxThumbprints = 5
)

// createOIDCProvider registers an issuer with the audiences that the account
// accepts from it. The issuer is not asked: an address that does not answer is
// found out at the first login.
func (s *Service) createOIDCProvider(ctx context.Context, caller idpool.Caller, in createOIDCProviderInput) (createOIDCProviderOutput, error) {
	issuer, name, err := s.issuer(in.URL)
	if err != nil {
		return createOIDCProviderOutput{}, err
	}
	p := idpool.OIDCProvider{
		Account: caller.Account, Name: name, URL: issuer,
		ClientIDs: unique(in.ClientIDList), Thumbprints: in.ThumbprintList,
		Created: s.moment(),
	}
	if p.Tags, err = tagSet(in.Tags); err != nil {
		return createOIDCProviderOutput{}, err
	}
	if err := checkLists(p); err != nil {
		return createOIDCProviderOutput{}, err
	}
	err = s.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.OIDCProviders(ctx, caller.Account)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(held, func(h idpool.OIDCProvider) bool { return h.Name == name }) {
			return idpool.Errorf(idpool.Exists, "Provider with url %s already exists.", issuer)
		}
		if limit := s.Limits.OIDCProviders; limit > 0 && len(held) >= limit {
			return idpool.Errorf(idpool.Limit, "Cannot exceed quota for OpenIdConnectProvidersPerAccount: %d", limit)
		}
		return w.PutOIDCProvider(ctx, p)
	})
	if err != nil {
		return createOIDCProviderOutput{}, err
	}
	s.Directory.ProvidersChanged(caller.Account)
	return createOIDCProviderOutput{OpenIDConnectProviderArn: p.ARN(), Tags: in.Tags}, nil
}

// elsewhere is what an operator can do about an issuer whose address IAM refuses.
const elsewhere = "issuer of the provider in the configuration file can say where it really lives"

// issuer checks a provider's address and returns it without its query, and the
// provider's name, which is the address without the scheme.
func (s *Service) issuer(address string) (issuer, name string, err error) {
	bad := idpool.Errorf(idpool.Malformed, "Invalid Open ID Connect Provider URL")
	address, _, _ = strings.Cut(address, "?")
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", "", bad.Because(err)
	case u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(address, " \t\r\n\\#"):
		return "", "", bad
	case u.Scheme != "https" && !(u.Scheme == "http" && s.PlainHTTP):
		return "", "", bad.Because(fmt.Errorf("scheme %.16q, not https; %s", u.Scheme, elsewhere))
	case u.Port() != "" && !s.PlainHTTP:
		return "", "", bad.Because(fmt.Errorf("port %.16q, where none may be; %s", u.Port(), elsewhere))
	}
	_, name, _ = strings.Cut(address, "://")
	return address, name, nil
}

// checkLists checks how many audiences and thumbprints a provider has.
func checkLists(p idpool.OIDCProvider) error {
	if len(p.Thumbprints) > maxThumbprints {
		return idpool.Errorf(idpool.Invalid, "Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	if len(p.ClientIDs) > maxClientIDs {
		return idpool.Errorf(idpool.Limit, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	}
	return nil
}

// unique drops repetitions and keeps the order.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
