package iam

import (
	"context"
	"slices"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/wire"
)

var listEntitiesForPolicyShape = append(wire.Struct{
	wire.Req("PolicyArn", arn),
	wire.Opt("EntityFilter", wire.Str{Enum: []string{"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}}),
	wire.Opt("PathPrefix", path),
	wire.Opt("PolicyUsageFilter", policyUsage),
}, paged()...)

type listEntitiesForPolicyInput struct {
	PolicyArn, EntityFilter, PathPrefix, PolicyUsageFilter string
	pageInput
}

type listEntitiesForPolicyOutput struct {
	PolicyGroups none
	PolicyUsers  wire.XMLList[policyUser]
	PolicyRoles  wire.XMLList[policyRole]
	pageOutput
}

type policyUser struct {
	UserName string
	UserID   string `xml:"UserId"`
}

type policyRole struct {
	RoleName string
	RoleID   string `xml:"RoleId"`
}

// entityWith is a user or a role that a policy is attached to.
type entityWith struct{ kind, name, id string }

// key sorts users before roles, as the answer has them.
func (e entityWith) key() string {
	if e.kind == "User" {
		return "1 " + idpool.FoldName(e.name)
	}
	return "2 " + idpool.FoldName(e.name)
}

// listEntitiesForPolicy lists the users and the roles that a policy is attached
// to.
func (s *Service) listEntitiesForPolicy(ctx context.Context, caller idpool.Caller, in listEntitiesForPolicyInput) (out listEntitiesForPolicyOutput, err error) {
	if err := checkPrefix(in.PathPrefix); err != nil {
		return out, err
	}
	var list []entityWith
	err = s.Store.View(ctx, func(r idpool.Reader) error {
		list = nil
		p, err := managedPolicy(ctx, r, caller, in.PolicyArn)
		if err != nil || in.PolicyUsageFilter == "PermissionsBoundary" {
			return err
		}
		meets := func(kind, path string, g idpool.Grants) bool {
			return (in.EntityFilter == "" || in.EntityFilter == kind) && strings.HasPrefix(path, in.PathPrefix) && slices.Contains(g.Attached, p.ARN())
		}
		users, err := r.Users(ctx, caller.Account)
		if err != nil {
			return err
		}
		for _, u := range users {
			if meets("User", u.Path, u.Grants) {
				list = append(list, entityWith{"User", u.Name, u.ID})
			}
		}
		roles, err := r.Roles(ctx, caller.Account)
		for _, r := range roles {
			if meets("Role", r.Path, r.Grants) {
				list = append(list, entityWith{"Role", r.Name, r.ID})
			}
		}
		return err
	})
	if err != nil {
		return out, err
	}
	list, out.pageOutput, err = page(s, caller, in.pageInput, list, entityWith.key,
		"ListEntitiesForPolicy", in.PolicyArn, in.EntityFilter, in.PathPrefix, in.PolicyUsageFilter)
	for _, e := range list {
		if e.kind == "Role" {
			out.PolicyRoles = append(out.PolicyRoles, policyRole{e.name, e.id})
		} else {
			out.PolicyUsers = append(out.PolicyUsers, policyUser{e.name, e.id})
		}
	}
	return out, err
}
