package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var deleteOIDCProviderShape = wire.Struct{wire.Req("OpenIDConnectProviderArn", arn)}

// deleteOIDCProvider forgets an issuer: pools that name it refuse its tokens
// from then on. One that does not exist counts as deleted (behaviour 9.2).
func (s *Service) deleteOIDCProvider(ctx context.Context, caller idpool.Caller, in providerInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := provider(ctx, w, caller, in.OpenIDConnectProviderArn)
		if err != nil {
			return err
		}
		return w.DeleteOIDCProvider(ctx, p.Account, p.Name)
	})
	if idpool.IsNotFound(err) {
		return wire.Empty{}, nil
	}
	if err == nil {
		s.Directory.ProvidersChanged(caller.Account)
	}
	return wire.Empty{}, err
}
