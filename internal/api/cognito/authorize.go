package cognito

import (
	"context"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// authorize asks the caller's policies. What they can test beyond the usual are
// the tags of the request and of the pool (behaviour 7.4).
func (s *Service) authorize(ctx context.Context, a wire.Access) error {
	if a.Caller.Root { // may do everything
		return nil
	}
	r := credential.Request{Caller: a.Caller, Action: "cognito-identity:" + a.Op, Resource: a.Resource, SourceIP: a.Client.String(), Secure: a.Secure}
	tags := a.Input.Tags("IdentityPoolTags")
	if len(tags) == 0 {
		tags = a.Input.Tags("Tags")
	}
	r.RequestTags(tags, a.Input.Texts("TagKeys")...)
	if _, id, ok := idpool.ParsePoolARN(a.Resource); ok {
		pool, err := s.Directory.Pool(ctx, id)
		switch {
		case err == nil && pool.Account == a.Caller.Account:
			r.ResourceTags(pool.Tags)
		case err != nil && !idpool.IsNotFound(err):
			return err
		}
	}
	return s.Broker.Authorize(ctx, r)
}
