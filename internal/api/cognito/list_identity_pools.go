package cognito

import (
	"context"
	"encoding/json"
	"slices"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var listIdentityPoolsShape = wire.Struct{
	wire.Req("MaxResults", maxResults),
	wire.Opt("NextToken", nextToken),
}

type listIdentityPoolsInput struct {
	MaxResults int
	NextToken  string
}

type listIdentityPoolsOutput struct {
	IdentityPools []poolShort
	NextToken     string `json:",omitempty"`
}

type poolShort struct {
	IdentityPoolID   string `json:"IdentityPoolId"`
	IdentityPoolName string
}

// AppendJSON implements wire.Appender.
func (o listIdentityPoolsOutput) AppendJSON(b []byte) []byte {
	b = append(slices.Grow(b, 128*(len(o.IdentityPools)+2)), `{"IdentityPools":[`...)
	for i, p := range o.IdentityPools {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendText(append(b, `{"IdentityPoolId":`...), p.IdentityPoolID)
		b = wire.AppendText(append(b, `,"IdentityPoolName":`...), p.IdentityPoolName)
		b = append(b, '}')
	}
	b = append(b, ']')
	if o.NextToken != "" {
		b = wire.AppendText(append(b, `,"NextToken":`...), o.NextToken)
	}
	return append(b, '}')
}

// listIdentityPools lists the pools of the caller's account and region, oldest
// first. A page begins after the last pool of the page before it, whether or
// not that one still exists, so pools that stay are neither missed nor
// repeated.
func (s *Service) listIdentityPools(ctx context.Context, caller idpool.Caller, in listIdentityPoolsInput) (listIdentityPoolsOutput, error) {
	place := []string{"ListIdentityPools", caller.ARN, caller.Region}
	var after idpool.PoolCursor
	if in.NextToken != "" {
		plain, err := s.Paging.OpenText(in.NextToken, place...)
		if err == nil {
			err = json.Unmarshal(plain, &after)
		}
		if err != nil {
			return listIdentityPoolsOutput{}, errNextToken(err)
		}
	}
	page, more, err := s.Directory.Pools(ctx, caller.Account, caller.Region, after, in.MaxResults)
	if err != nil {
		return listIdentityPoolsOutput{}, err
	}
	out := listIdentityPoolsOutput{IdentityPools: make([]poolShort, len(page))}
	for i, p := range page {
		out.IdentityPools[i] = poolShort{string(p.ID), p.Name}
	}
	if more {
		last, err := json.Marshal(page[len(page)-1].Cursor())
		if err != nil {
			return listIdentityPoolsOutput{}, err
		}
		out.NextToken = s.Paging.SealText(last, place...)
	}
	return out, nil
}
