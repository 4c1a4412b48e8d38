package iam

import (
	"cmp"
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var (
	metadata       = wire.Str{Min: 1000, Max: 10000000}
	encryptionMode = wire.Str{Enum: []string{"Allowed", "Required"}}
	privateKey     = wire.Str{Min: 1, Max: 16384, Sensitive: true}
)

var createSAMLProviderShape = wire.Struct{
	wire.Req("SAMLMetadataDocument", metadata),
	wire.Req("Name", wire.Str{Min: 1, Max: 128, Pattern: wire.Re(`[\w._-]+`)}),
	wire.Opt("Tags", tags),
	wire.Opt("AssertionEncryptionMode", encryptionMode),
	wire.Opt("AddPrivateKey", privateKey),
}

type createSAMLProviderInput struct {
	SAMLMetadataDocument    string
	Name                    string
	Tags                    []tag
	AssertionEncryptionMode string
	AddPrivateKey           string
}

type createSAMLProviderOutput struct {
	SAMLProviderArn string
	Tags            wire.XMLList[tag]
}

func (s *Service) createSAMLProvider(ctx context.Context, caller idpool.Caller, in createSAMLProviderInput) (createSAMLProviderOutput, error) {
	tags, tagsErr := tagSet(in.Tags)
	fresh := idpool.SAMLProvider{Account: caller.Account, Name: in.Name, ID: newID("ASPA"), Tags: tags, Created: s.moment()}
	if err := cmp.Or(noEncryption(in.AssertionEncryptionMode, in.AddPrivateKey), s.setMetadata(&fresh, in.SAMLMetadataDocument), tagsErr); err != nil {
		return createSAMLProviderOutput{}, err
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.SAMLProviders(ctx, caller.Account)
		if err != nil {
			return err
		}
		for _, p := range held {
			if idpool.FoldName(p.Name) == idpool.FoldName(fresh.Name) {
				return idpool.Errorf(idpool.Exists, "SAMLProvider with name %s already exists.", fresh.Name)
			}
		}
		if len(held) >= maxSAMLProviders {
			return quota("SAMLProvidersPerAccount", maxSAMLProviders)
		}
		return w.PutSAMLProvider(ctx, fresh)
	})
	if err != nil {
		return createSAMLProviderOutput{}, err
	}
	s.Directory.ProvidersChanged(caller.Account)
	return createSAMLProviderOutput{SAMLProviderArn: fresh.ARN(), Tags: tagList(fresh.Tags)}, nil
}
