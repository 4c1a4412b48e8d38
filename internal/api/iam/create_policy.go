package iam

import (
	"cmp"
	"context"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

var createPolicyShape = wire.Struct{
	wire.Req("PolicyName", policyName),
	wire.Opt("Path", path),
	wire.Req("PolicyDocument", policyDocument),
	wire.Opt("Description", wire.Str{Max: 1000}),
	wire.Opt("Tags", tags),
}

type createPolicyInput struct {
	PolicyName     string
	Path           string
	PolicyDocument string
	Description    string
	Tags           []tag
}

type createPolicyOutput struct{ Policy policyOutput }

func (s *Service) createPolicy(ctx context.Context, caller idpool.Caller, in createPolicyInput) (createPolicyOutput, error) {
	path, pathErr := checkPath("path", in.Path)
	tags, tagsErr := tagSet(in.Tags)
	if err := cmp.Or(checkName("policyName", in.PolicyName), pathErr, checkManaged(in.PolicyDocument), tagsErr); err != nil {
		return createPolicyOutput{}, err
	}
	now := s.moment()
	fresh := idpool.ManagedPolicy{
		Account: caller.Account, Name: in.PolicyName, Path: path, ID: newID("ANPA"), Description: in.Description, Tags: tags,
		Versions: []idpool.PolicyVersion{{ID: "v1", Document: in.PolicyDocument, Created: now}}, Default: "v1", Made: 1, Created: now, Updated: now,
	}
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		held, err := w.ManagedPolicies(ctx, caller.Account)
		if err != nil {
			return err
		}
		for _, p := range held {
			if idpool.FoldName(p.Name) == idpool.FoldName(fresh.Name) {
				return idpool.Errorf(idpool.Exists, "A policy called %s already exists. Duplicate names are not allowed.", fresh.Name)
			}
		}
		if len(held) >= maxPolicies {
			return quota("PoliciesPerAccount", maxPolicies)
		}
		return w.PutManagedPolicy(ctx, fresh)
	})
	if err != nil {
		return createPolicyOutput{}, err
	}
	s.Broker.PrincipalsChanged(caller.Account)
	out := listedPolicy(fresh, 0)
	if list := tagList(fresh.Tags); len(list) > 0 {
		out.Tags = &list
	}
	return createPolicyOutput{out}, nil
}

// checkManaged checks the document of a managed policy.
func checkManaged(text string) error {
	if err := checkDocument(text, policy.Standalone); err != nil {
		return err
	}
	if size(text) > maxManagedSize {
		return quota("PolicySize", maxManagedSize)
	}
	return nil
}
