package iam

import (
	"context"

	"idpool/internal/credential"
	"idpool/internal/wire"
)

// authorize asks the caller's policies. Beyond the usual they can test the tags
// of the request.
func (s *Service) authorize(ctx context.Context, a wire.Access) error {
	if a.Caller.Root { // may do everything
		return nil
	}
	r := credential.Request{Caller: a.Caller, Action: "iam:" + a.Op, Resource: a.Resource, SourceIP: a.Client.String(), Secure: a.Secure}
	r.RequestTags(a.Input.Tags("Tags"), a.Input.Texts("TagKeys")...)
	return s.Broker.Authorize(ctx, r)
}
