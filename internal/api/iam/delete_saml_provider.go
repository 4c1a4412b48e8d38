package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// deleteSAMLProvider forgets a provider. Pools and trust policies that name it
// keep its ARN, and trust nobody by it.
func (s *Service) deleteSAMLProvider(ctx context.Context, caller idpool.Caller, in samlProviderInput) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := samlProvider(ctx, w, caller, in.SAMLProviderArn)
		if err != nil {
			return err
		}
		return w.DeleteSAMLProvider(ctx, caller.Account, p.Name)
	})
	if err == nil {
		s.Directory.ProvidersChanged(caller.Account)
	}
	return wire.Empty{}, err
}
