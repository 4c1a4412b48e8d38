package cognito

import (
	"context"
	"fmt"
	"maps"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var tagResourceShape = wire.Struct{
	wire.Req("ResourceArn", arn),
	wire.Req("Tags", tags),
}

type tagResourceInput struct {
	ResourceARN string `json:"ResourceArn"`
	Tags        map[string]string
}

// tagResource adds tags to a pool; keys that it has are overwritten.
func (s *Service) tagResource(ctx context.Context, caller idpool.Caller, in tagResourceInput) (struct{}, error) {
	id, err := taggedPool(caller, "TagResource", in.ResourceARN)
	if err != nil {
		return struct{}{}, err
	}
	_, err = s.changePool(ctx, caller, id, func(p *idpool.Pool) error {
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		maps.Copy(p.Tags, in.Tags)
		return s.checkTags(p.Tags)
	})
	return struct{}{}, err
}

// taggedPool is the pool that a ResourceArn names. What is not the ARN of a
// pool is a resource that nobody has permissions for (behaviour 2.14).
func taggedPool(caller idpool.Caller, op, arn string) (string, error) {
	account, id, ok := idpool.ParsePoolARN(arn)
	if !ok {
		return "", idpool.Errorf(idpool.AccessDenied, "User: %s is not authorized to perform: cognito-identity:%s on resource: %s", caller.ARN, op, arn)
	}
	if account != caller.Account {
		return "", idpool.PoolNotFound(id).Because(fmt.Errorf("the ARN names account %s", account))
	}
	return string(id), nil
}
