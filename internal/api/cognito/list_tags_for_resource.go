package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var listTagsForResourceShape = wire.Struct{wire.Req("ResourceArn", arn)}

type listTagsForResourceInput struct {
	ResourceARN string `json:"ResourceArn"`
}

type listTagsForResourceOutput struct {
	Tags map[string]string
}

func (s *Service) listTagsForResource(ctx context.Context, caller idpool.Caller, in listTagsForResourceInput) (listTagsForResourceOutput, error) {
	id, err := taggedPool(caller, "ListTagsForResource", in.ResourceARN)
	if err != nil {
		return listTagsForResourceOutput{}, err
	}
	pool, err := s.ownPool(ctx, caller, id)
	if err != nil {
		return listTagsForResourceOutput{}, err
	}
	return listTagsForResourceOutput{Tags: pool.Tags}, nil
}
