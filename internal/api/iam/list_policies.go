package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

var listPoliciesShape = append(wire.Struct{
	wire.Opt("Scope", wire.Str{Enum: []string{"All", "AWS", "Local"}}),
	wire.Opt("OnlyAttached", wire.Bool{}),
	wire.Opt("PathPrefix", path),
	wire.Opt("PolicyUsageFilter", policyUsage),
}, paged()...)

type listPoliciesInput struct {
	Scope             string
	OnlyAttached      bool
	PathPrefix        string
	PolicyUsageFilter string
	pageInput
}

type listPoliciesOutput struct {
	Policies wire.XMLList[policyOutput]
	pageOutput
}

// listPolicies lists the account's policies and those of AWS that are known
// here, by name. Nothing is a permissions boundary.
func (s *Service) listPolicies(ctx context.Context, caller idpool.Caller, in listPoliciesInput) (out listPoliciesOutput, err error) {
	if err := checkPrefix(in.PathPrefix); err != nil {
		return out, err
	}
	var list []idpool.ManagedPolicy
	var count map[string]int
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		list = nil
		if in.Scope != "AWS" {
			if list, err = r.ManagedPolicies(ctx, caller.Account); err != nil {
				return err
			}
		}
		count, err = attachments(ctx, r, caller.Account)
		return err
	})
	if err != nil {
		return out, err
	}
	if in.Scope != "Local" {
		for _, arn := range policy.AWSManagedARNs() {
			m, _ := policy.FindAWSManaged(arn)
			list = append(list, ofAWS(m))
		}
	}
	list = slices.DeleteFunc(list, func(p idpool.ManagedPolicy) bool {
		return !strings.HasPrefix(p.Path, in.PathPrefix) || in.OnlyAttached && count[p.ARN()] == 0 || in.PolicyUsageFilter == "PermissionsBoundary"
	})
	key := func(p idpool.ManagedPolicy) string { return policyKey(p.Name, p.ARN()) }
	slices.SortFunc(list, func(a, b idpool.ManagedPolicy) int { return strings.Compare(key(a), key(b)) })
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, key,
		"ListPolicies", in.Scope, strconv.FormatBool(in.OnlyAttached), in.PathPrefix, in.PolicyUsageFilter)
	for _, p := range list {
		out.Policies = append(out.Policies, listedPolicy(p, count[p.ARN()]))
	}
	return out, err
}
