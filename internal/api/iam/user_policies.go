package iam

import (
	"context"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

// The policies of users, inline and attached.

var (
	userPolicyShape    = wire.Struct{wire.Req("UserName", userName), wire.Req("PolicyName", policyName)}
	putUserPolicyShape = wire.Struct{wire.Req("UserName", userName), wire.Req("PolicyName", policyName), wire.Req("PolicyDocument", policyDocument)}
	attachUserShape    = wire.Struct{wire.Req("UserName", userName), wire.Req("PolicyArn", arn)}
	pagedUserShape     = paged(wire.Req("UserName", userName))
	attachedUserShape  = paged(wire.Req("UserName", userName), wire.Opt("PathPrefix", path))
)

type (
	userPolicyInput     struct{ UserName, PolicyName string }
	putUserPolicyInput  struct{ UserName, PolicyName, PolicyDocument string }
	getUserPolicyOutput struct {
		UserName, PolicyName string
		PolicyDocument       encoded
	}
	attachUserInput struct{ UserName, PolicyArn string }
	pagedUserInput  struct {
		UserName string
		pageInput
	}
	attachedUserInput struct {
		UserName, PathPrefix string
		pageInput
	}
)

func (s *Service) putUserPolicy(ctx context.Context, caller idpool.Caller, in putUserPolicyInput) (wire.Empty, error) {
	if err := checkDocument(in.PolicyDocument, policy.Identity); err != nil {
		return wire.Empty{}, err
	}
	_, err := s.changeUser(ctx, caller, in.UserName, func(_ idpool.Writer, u *idpool.User) error {
		return userHolder(*u).putInline(&u.Grants, in.PolicyName, in.PolicyDocument)
	})
	return wire.Empty{}, err
}

func (s *Service) getUserPolicy(ctx context.Context, caller idpool.Caller, in userPolicyInput) (getUserPolicyOutput, error) {
	u, err := s.viewUser(ctx, caller, in.UserName)
	if err != nil {
		return getUserPolicyOutput{}, err
	}
	name, err := userHolder(u).inlineName(u.Grants, in.PolicyName)
	return getUserPolicyOutput{u.Name, name, encoded(u.Inline[name])}, err
}

func (s *Service) deleteUserPolicy(ctx context.Context, caller idpool.Caller, in userPolicyInput) (wire.Empty, error) {
	_, err := s.changeUser(ctx, caller, in.UserName, func(_ idpool.Writer, u *idpool.User) error {
		return userHolder(*u).deleteInline(&u.Grants, in.PolicyName)
	})
	return wire.Empty{}, err
}

func (s *Service) listUserPolicies(ctx context.Context, caller idpool.Caller, in pagedUserInput) (inlineOutput, error) {
	u, err := s.viewUser(ctx, caller, in.UserName)
	if err != nil {
		return inlineOutput{}, err
	}
	return s.pageInline(caller, in.pageInput, u.Grants, "ListUserPolicies", u.ID)
}

func (s *Service) attachUserPolicy(ctx context.Context, caller idpool.Caller, in attachUserInput) (wire.Empty, error) {
	_, err := s.changeUser(ctx, caller, in.UserName, func(w idpool.Writer, u *idpool.User) error {
		return userHolder(*u).attach(ctx, w, caller, &u.Grants, in.PolicyArn)
	})
	return wire.Empty{}, err
}

func (s *Service) detachUserPolicy(ctx context.Context, caller idpool.Caller, in attachUserInput) (wire.Empty, error) {
	_, err := s.changeUser(ctx, caller, in.UserName, func(_ idpool.Writer, u *idpool.User) error {
		return userHolder(*u).detach(&u.Grants, in.PolicyArn)
	})
	return wire.Empty{}, err
}

func (s *Service) listAttachedUserPolicies(ctx context.Context, caller idpool.Caller, in attachedUserInput) (attachedOutput, error) {
	u, err := s.viewUser(ctx, caller, in.UserName)
	if err != nil {
		return attachedOutput{}, err
	}
	return s.pageAttached(caller, in.pageInput, u.Grants, in.PathPrefix, "ListAttachedUserPolicies", u.ID)
}
