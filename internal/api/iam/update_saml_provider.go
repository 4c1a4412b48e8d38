package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var updateSAMLProviderShape = wire.Struct{
	wire.Opt("SAMLMetadataDocument", metadata),
	wire.Req("SAMLProviderArn", arn),
	wire.Opt("AssertionEncryptionMode", encryptionMode),
	wire.Opt("AddPrivateKey", privateKey),
	wire.Opt("RemovePrivateKey", wire.Str{Min: 22, Max: 64, Pattern: wire.Re(`[A-Z0-9]+`)}),
}

type updateSAMLProviderInput struct {
	SAMLMetadataDocument, SAMLProviderArn                    string
	AssertionEncryptionMode, AddPrivateKey, RemovePrivateKey string
}

type updateSAMLProviderOutput struct{ SAMLProviderArn string }

// updateSAMLProvider replaces the metadata, if there is any in the request.
func (s *Service) updateSAMLProvider(ctx context.Context, caller idpool.Caller, in updateSAMLProviderInput) (updateSAMLProviderOutput, error) {
	if err := noEncryption(in.AssertionEncryptionMode, in.AddPrivateKey, in.RemovePrivateKey); err != nil {
		return updateSAMLProviderOutput{}, err
	}
	var out updateSAMLProviderOutput
	err := s.changeSAMLProvider(ctx, caller, in.SAMLProviderArn, func(p *idpool.SAMLProvider) error {
		out.SAMLProviderArn = p.ARN()
		if in.SAMLMetadataDocument == "" {
			return nil
		}
		return s.setMetadata(p, in.SAMLMetadataDocument)
	})
	return out, err
}
