package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

// The policies of roles, inline and attached.

var (
	rolePolicyShape    = wire.Struct{wire.Req("RoleName", roleName), wire.Req("PolicyName", policyName)}
	putRolePolicyShape = wire.Struct{wire.Req("RoleName", roleName), wire.Req("PolicyName", policyName), wire.Req("PolicyDocument", policyDocument)}
	attachRoleShape    = wire.Struct{wire.Req("RoleName", roleName), wire.Req("PolicyArn", arn)}
	pagedRoleShape     = paged(wire.Req("RoleName", roleName))
	attachedRoleShape  = paged(wire.Req("RoleName", roleName), wire.Opt("PathPrefix", path))
)

type (
	rolePolicyInput     struct{ RoleName, PolicyName string }
	putRolePolicyInput  struct{ RoleName, PolicyName, PolicyDocument string }
	getRolePolicyOutput struct {
		RoleName, PolicyName string
		PolicyDocument       encoded
	}
	attachRoleInput struct{ RoleName, PolicyArn string }
	pagedRoleInput  struct {
		RoleName string
		pageInput
	}
	attachedRoleInput struct {
		RoleName, PathPrefix string
		pageInput
	}
)

func (s *Service) putRolePolicy(ctx context.Context, caller idpool.Caller, in putRolePolicyInput) (wire.Empty, error) {
	if err := checkDocument(in.PolicyDocument, policy.Identity); err != nil {
		return wire.Empty{}, err
	}
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		return roleHolder(*r).putInline(&r.Grants, in.PolicyName, in.PolicyDocument)
	})
	return wire.Empty{}, err
}

func (s *Service) getRolePolicy(ctx context.Context, caller idpool.Caller, in rolePolicyInput) (getRolePolicyOutput, error) {
	r, err := s.viewRole(ctx, caller, in.RoleName)
	if err != nil {
		return getRolePolicyOutput{}, err
	}
	name, err := roleHolder(r).inlineName(r.Grants, in.PolicyName)
	return getRolePolicyOutput{r.Name, name, encoded(r.Inline[name])}, err
}

func (s *Service) deleteRolePolicy(ctx context.Context, caller idpool.Caller, in rolePolicyInput) (wire.Empty, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		return roleHolder(*r).deleteInline(&r.Grants, in.PolicyName)
	})
	return wire.Empty{}, err
}

func (s *Service) listRolePolicies(ctx context.Context, caller idpool.Caller, in pagedRoleInput) (inlineOutput, error) {
	r, err := s.viewRole(ctx, caller, in.RoleName)
	if err != nil {
		return inlineOutput{}, err
	}
	return s.pageInline(caller, in.pageInput, r.Grants, "ListRolePolicies", r.ID)
}

func (s *Service) attachRolePolicy(ctx context.Context, caller idpool.Caller, in attachRoleInput) (wire.Empty, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(w idpool.Writer, r *idpool.Role) error {
		return roleHolder(*r).attach(ctx, w, caller, &r.Grants, in.PolicyArn)
	})
	return wire.Empty{}, err
}

func (s *Service) detachRolePolicy(ctx context.Context, caller idpool.Caller, in attachRoleInput) (wire.Empty, error) {
	_, err := s.changeRole(ctx, caller, in.RoleName, func(_ idpool.Writer, r *idpool.Role) error {
		return roleHolder(*r).detach(&r.Grants, in.PolicyArn)
	})
	return wire.Empty{}, err
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, caller idpool.Caller, in attachedRoleInput) (attachedOutput, error) {
	r, err := s.viewRole(ctx, caller, in.RoleName)
	if err != nil {
		return attachedOutput{}, err
	}
	return s.pageAttached(caller, in.pageInput, r.Grants, in.PathPrefix, "ListAttachedRolePolicies", r.ID)
}
