package iam

import (
	"context"

	"idpool/internal/idpool"
)

// provider reads the provider that an ARN names, inside a transaction. An ARN
// of another account is as unknown as one that does not exist.
func provider(ctx context.Context, r idpool.Reader, caller idpool.Caller, arn string) (idpool.OIDCProvider, error) {
	account, name, ok := idpool.ParseProviderARN(arn)
	if !ok {
		return idpool.OIDCProvider{}, idpool.Errorf(idpool.Invalid, "Invalid ARN of an OpenIDConnect provider: %s", arn)
	}
	missing := idpool.Errorf(idpool.NotFound, "OpenIDConnect Provider not found for arn %s", arn)
	if account != caller.Account {
		return idpool.OIDCProvider{}, missing
	}
	p, err := r.OIDCProvider(ctx, account, name)
	if idpool.IsNotFound(err) {
		err = missing
	}
	return p, err
}

// viewProvider reads the provider that an ARN names.
func (s *Service) viewProvider(ctx context.Context, caller idpool.Caller, arn string) (found idpool.OIDCProvider, err error) {
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		found, err = provider(ctx, r, caller, arn)
		return err
	})
	return found, err
}

// changeProvider changes a provider in a transaction.
func (s *Service) changeProvider(ctx context.Context, caller idpool.Caller, arn string, change func(*idpool.OIDCProvider) error) error {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := provider(ctx, w, caller, arn)
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		return w.PutOIDCProvider(ctx, p)
	})
	if err == nil {
		s.Directory.ProvidersChanged(caller.Account)
	}
	return err
}

// onProvider is the provider that an operation works on.
func (s *Service) onProvider(caller idpool.Caller, text func(string) string) string {
	if arn := text("OpenIDConnectProviderArn"); arn != "" {
		return arn
	}
	_, name, err := s.issuer(text("Url"))
	if err != nil {
		return "*" // and it will be refused
	}
	return idpool.ProviderARN(caller.Account, name)
}
