package cognito

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var untagResourceShape = wire.Struct{
	wire.Req("ResourceArn", arn),
	wire.Req("TagKeys", wire.List{Of: tagKey}),
}

type untagResourceInput struct {
	ResourceARN string `json:"ResourceArn"`
	TagKeys     []string
}

// untagResource removes tags from a pool; keys that it lacks are passed over.
func (s *Service) untagResource(ctx context.Context, caller idpool.Caller, in untagResourceInput) (struct{}, error) {
	id, err := taggedPool(caller, "UntagResource", in.ResourceARN)
	if err != nil {
		return struct{}{}, err
	}
	_, err = s.changePool(ctx, caller, id, func(p *idpool.Pool) error {
		for _, key := range in.TagKeys {
			delete(p.Tags, key)
		}
		return nil
	})
	return struct{}{}, err
}
