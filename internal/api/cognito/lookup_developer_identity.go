package cognito

import (
	"context"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var lookupDeveloperIdentityShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Opt("IdentityId", identityID),
	wire.Opt("DeveloperUserIdentifier", developerUser),
	wire.Opt("MaxResults", maxResults),
	wire.Opt("NextToken", nextToken),
}

type lookupDeveloperIdentityInput struct {
	IdentityPoolID          string `json:"IdentityPoolId"`
	IdentityID              string `json:"IdentityId"`
	DeveloperUserIdentifier string
	MaxResults              int
	NextToken               string
}

type lookupDeveloperIdentityOutput struct {
	DeveloperUserIdentifierList []string
	IdentityID                  string `json:"IdentityId"`
	NextToken                   string `json:",omitempty"`
}

// defaultResults is how long a page is if the caller does not say.
const defaultResults = 60

// lookupDeveloperIdentity finds the identity of a developer user, or the
// developer users of an identity. Given both it says whether they belong
// together, and lists that one user only.
func (s *Service) lookupDeveloperIdentity(ctx context.Context, caller idpool.Caller, in lookupDeveloperIdentityInput) (lookupDeveloperIdentityOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return lookupDeveloperIdentityOutput{}, err
	}
	if in.MaxResults == 0 {
		in.MaxResults = defaultResults
	}
	place := []string{"LookupDeveloperIdentity", caller.ARN, caller.Region, string(pool.ID), in.IdentityID, in.DeveloperUserIdentifier}
	after := ""
	if in.NextToken != "" {
		plain, err := s.Paging.OpenText(in.NextToken, place...)
		if err != nil {
			return lookupDeveloperIdentityOutput{}, errNextToken(err)
		}
		after = string(plain)
	}
	var identity idpool.Identity
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		identity, err = idpool.LookUpDeveloper(ctx, r, pool.Pool, idpool.IdentityID(in.IdentityID), in.DeveloperUserIdentifier)
		return err
	})
	if err != nil {
		return lookupDeveloperIdentityOutput{}, err
	}
	wire.EventFrom(ctx).Identity = identity.ID
	out := lookupDeveloperIdentityOutput{IdentityID: string(identity.ID)}
	if in.IdentityID != "" && in.DeveloperUserIdentifier != "" {
		out.DeveloperUserIdentifierList = []string{in.DeveloperUserIdentifier}
		return out, nil
	}
	users := identity.DeveloperUsers(pool.Pool)
	users = slices.DeleteFunc(users, func(u string) bool { return in.NextToken != "" && u <= after })
	out.DeveloperUserIdentifierList = users
	if len(users) > in.MaxResults {
		out.DeveloperUserIdentifierList = users[:in.MaxResults]
		out.NextToken = s.Paging.SealText([]byte(users[in.MaxResults-1]), place...)
	}
	return out, nil
}
