package cognito

import (
	"context"
	"strconv"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var listIdentitiesShape = wire.Struct{
	wire.Req("IdentityPoolId", poolID),
	wire.Req("MaxResults", maxResults),
	wire.Opt("NextToken", nextToken),
	wire.Opt("HideDisabled", wire.Bool{}),
}

type listIdentitiesInput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	MaxResults     int
	NextToken      string
	HideDisabled   bool
}

type listIdentitiesOutput struct {
	IdentityPoolID string `json:"IdentityPoolId"`
	Identities     []identityDescription
	NextToken      string `json:",omitempty"`
}

// maxLookedAt bounds how many identities one call reads while it looks for
// ones that are not disabled.
const maxLookedAt = 1000

// listIdentities lists a pool's identities by ID, which is by creation time.
// With HideDisabled a page can be short although there are more.
func (s *Service) listIdentities(ctx context.Context, caller idpool.Caller, in listIdentitiesInput) (listIdentitiesOutput, error) {
	pool, err := s.ownPool(ctx, caller, in.IdentityPoolID)
	if err != nil {
		return listIdentitiesOutput{}, err
	}
	place := []string{"ListIdentities", caller.ARN, caller.Region, string(pool.ID), strconv.FormatBool(in.HideDisabled)}
	var after idpool.IdentityID
	if in.NextToken != "" {
		plain, err := s.Paging.OpenText(in.NextToken, place...)
		if err != nil {
			return listIdentitiesOutput{}, errNextToken(err)
		}
		after = idpool.IdentityID(plain)
	}
	out := listIdentitiesOutput{IdentityPoolID: string(pool.ID), Identities: []identityDescription{}}
	err = s.Store.View(ctx, func(r idpool.Reader) error {
		at, found := after, out.Identities[:0]
		for looked := 0; ; {
			batch, err := r.Identities(ctx, pool.ID, at, in.MaxResults+1) // one more tells whether there are more
			if err != nil {
				return err
			}
			for i, identity := range batch {
				if len(found) == in.MaxResults || looked == maxLookedAt {
					out.Identities, out.NextToken = found, s.Paging.SealText([]byte(at), place...)
					return nil
				}
				looked++
				at = batch[i].ID
				if !in.HideDisabled || !identity.Disabled {
					found = append(found, describeOne(identity))
				}
			}
			if len(batch) <= in.MaxResults {
				out.Identities, out.NextToken = found, ""
				return nil
			}
		}
	})
	return out, err
}
