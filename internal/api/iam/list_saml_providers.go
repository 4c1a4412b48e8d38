package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

type listSAMLProvidersOutput struct {
	SAMLProviderList wire.XMLList[samlProviderEntry]
}

type samlProviderEntry struct {
	Arn        string
	ValidUntil date
	CreateDate date
}

// listSAMLProviders lists all SAML providers of the account; there are no pages.
func (s *Service) listSAMLProviders(ctx context.Context, caller idpool.Caller, _ struct{}) (listSAMLProvidersOutput, error) {
	var out listSAMLProvidersOutput
	err := s.Store.View(ctx, func(r idpool.Reader) error {
		held, err := r.SAMLProviders(ctx, caller.Account)
		out.SAMLProviderList = nil
		for _, p := range held {
			out.SAMLProviderList = append(out.SAMLProviderList, samlProviderEntry{p.ARN(), date(p.ValidUntil), date(p.Created)})
		}
		return err
	})
	return out, err
}
