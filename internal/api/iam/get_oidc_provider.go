package iam

import (
	"context"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var getOIDCProviderShape = wire.Struct{wire.Req("OpenIDConnectProviderArn", arn)}

type providerInput struct {
	OpenIDConnectProviderArn string
}

type getOIDCProviderOutput struct {
	URL            string `xml:"Url"` // without the scheme
	ClientIDList   wire.XMLList[string]
	ThumbprintList wire.XMLList[string]
	CreateDate     date
	Tags           wire.XMLList[tag]
}

func (s *Service) getOIDCProvider(ctx context.Context, caller idpool.Caller, in providerInput) (getOIDCProviderOutput, error) {
	p, err := s.viewProvider(ctx, caller, in.OpenIDConnectProviderArn)
	if err != nil {
		return getOIDCProviderOutput{}, err
	}
	_, address, _ := strings.Cut(p.URL, "://")
	return getOIDCProviderOutput{URL: address, ClientIDList: p.ClientIDs, ThumbprintList: p.Thumbprints, CreateDate: date(p.Created), Tags: tagList(p.Tags)}, nil
}
