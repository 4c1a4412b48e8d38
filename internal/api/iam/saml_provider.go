package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/saml"
)

// samlProvider reads the provider that an ARN names, inside a transaction. An
// ARN of another account is as unknown as one that does not exist.
func samlProvider(ctx context.Context, r idpool.Reader, caller idpool.Caller, arn string) (idpool.SAMLProvider, error) {
	account, path, name, ok := idpool.ParseEntityARN(arn, "saml-provider")
	if !ok || path != "/" {
		return idpool.SAMLProvider{}, idpool.Errorf(idpool.Invalid, "Invalid ARN of a SAML provider: %s", arn)
	}
	missing := idpool.Errorf(idpool.NotFound, "SAMLProvider %s not found", arn)
	if account != caller.Account {
		return idpool.SAMLProvider{}, missing
	}
	p, err := r.SAMLProvider(ctx, account, name)
	if idpool.IsNotFound(err) {
		err = missing
	}
	return p, err
}

// viewSAMLProvider reads the provider that an ARN names.
func (s *Service) viewSAMLProvider(ctx context.Context, caller idpool.Caller, arn string) (found idpool.SAMLProvider, err error) {
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		found, err = samlProvider(ctx, r, caller, arn)
		return err
	})
	return found, err
}

// changeSAMLProvider changes a provider in a transaction.
func (s *Service) changeSAMLProvider(ctx context.Context, caller idpool.Caller, arn string, change func(*idpool.SAMLProvider) error) error {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := samlProvider(ctx, w, caller, arn)
		if err == nil {
			err = change(&p)
		}
		if err != nil {
			return err
		}
		return w.PutSAMLProvider(ctx, p)
	})
	if err == nil {
		s.Directory.ProvidersChanged(caller.Account)
	}
	return err
}

// samlYears is how long a provider is valid whose metadata does not say.
const samlYears = 100

// setMetadata gives a provider new metadata.
func (s *Service) setMetadata(p *idpool.SAMLProvider, document string) error {
	m, err := saml.ParseMetadata(document)
	if err != nil {
		return idpool.Errorf(idpool.Invalid, "Could not parse metadata").Because(err)
	}
	p.Metadata, p.ValidUntil = document, m.ValidUntil
	if p.ValidUntil.IsZero() {
		p.ValidUntil = s.moment().AddDate(samlYears, 0, 0)
	}
	return nil
}

// noEncryption refuses settings for encrypted assertions: they are not read.
func noEncryption(settings ...string) error {
	for _, s := range settings {
		if s != "" {
			return idpool.Errorf(idpool.Invalid, "This version of idpool does not support encrypted assertions.")
		}
	}
	return nil
}

// onSAMLProvider is the provider that an operation works on.
func onSAMLProvider(caller idpool.Caller, text func(string) string) string {
	if arn := text("SAMLProviderArn"); arn != "" {
		return arn
	}
	return idpool.SAMLProvider{Account: caller.Account, Name: text("Name")}.ARN()
}
