package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

type listOIDCProvidersOutput struct {
	OpenIDConnectProviderList wire.XMLList[providerEntry]
}

type providerEntry struct{ Arn string }

// listOIDCProviders lists all providers of the account; there are no pages.
func (s *Service) listOIDCProviders(ctx context.Context, caller idpool.Caller, _ struct{}) (listOIDCProvidersOutput, error) {
	var out listOIDCProvidersOutput
	err := s.Store.View(ctx, func(r idpool.Reader) error {
		held, err := r.OIDCProviders(ctx, caller.Account)
		out.OpenIDConnectProviderList = nil
		for _, p := range held {
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, providerEntry{p.ARN()})
		}
		return err
	})
	return out, err
}
