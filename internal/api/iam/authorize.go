package iam

import (
	"context"
	"strings"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// authorize asks the caller's policies about the entity that an operation works
// on. Beyond the usual they can test the tags of the entity and of the request,
// and the policy that is attached or detached. Whoever renames or moves a user
// needs permission for the user as it will be, too.
func (s *Service) authorize(ctx context.Context, a wire.Access) error {
	if a.Caller.Root { // may do everything
		return nil
	}
	on, err := s.entity(ctx, a)
	if err != nil {
		return err
	}
	r := credential.Request{Caller: a.Caller, Action: "iam:" + a.Op, Resource: on.arn, SourceIP: a.Client.String(), Secure: a.Secure}
	r.RequestTags(a.Input.Tags("Tags"), a.Input.Texts("TagKeys")...)
	r.ResourceTags(on.tags)
	for key, value := range on.tags {
		r.Context.Set("iam:ResourceTag/"+key, value)
	}
	if strings.HasPrefix(a.Op, "Attach") || strings.HasPrefix(a.Op, "Detach") {
		r.Context.Set("iam:PolicyARN", a.Input.Text("PolicyArn"))
	}
	if err := s.Broker.Authorize(ctx, r); err != nil || a.Op != "UpdateUser" || on.user.Name == "" {
		return err
	}
	r.Resource = moved(on.user, a.Input.Text("NewUserName"), a.Input.Text("NewPath")).ARN()
	return s.Broker.Authorize(ctx, r)
}

// entity is what a caller needs permission for, as policies see it.
type entity struct {
	arn  string
	tags map[string]string
	user idpool.User // if it is one
}

// entity finds the entity that an operation works on. The request names it by
// parts of its ARN, in whatever case or partition; policies know it by the one
// ARN that it has. One that does not exist is as the request names it.
func (s *Service) entity(ctx context.Context, a wire.Access) (on entity, err error) {
	on.arn = a.Resource
	switch a.Op {
	case "CreateRole", "CreateUser", "CreatePolicy", "CreateSAMLProvider", "CreateOpenIDConnectProvider":
		return on, nil // what is there of that name already is another one
	}
	err = s.Store.View(ctx, func(r idpool.Reader) error {
		err := on.find(ctx, r, a)
		if idpool.IsNotFound(err) {
			return nil
		}
		return err
	})
	return on, err
}

// find reads the entity. One that is missing or in another account is NotFound.
func (on *entity) find(ctx context.Context, r idpool.Reader, a wire.Access) error {
	arn, own := a.Resource, a.Caller.Account
	if a.Op == "GetAccessKeyLastUsed" { // names the key, and is about its user
		k, err := r.AccessKey(ctx, a.Input.Text("AccessKeyId"))
		if err != nil || k.Account != own || k.User == "" {
			return err
		}
		arn = idpool.User{Account: own, Name: k.User, Path: "/"}.ARN()
	}
	if account, name, ok := idpool.ParseProviderARN(arn); ok && account == own {
		p, err := r.OIDCProvider(ctx, own, name)
		if err == nil {
			on.arn, on.tags = p.ARN(), p.Tags
		}
		return err
	}
	if account, _, name, ok := idpool.ParseEntityARN(arn, "role"); ok && account == own {
		role, err := r.Role(ctx, own, name)
		if err == nil {
			on.arn, on.tags = role.ARN(), role.Tags
		}
		return err
	}
	if account, _, name, ok := idpool.ParseEntityARN(arn, "user"); ok && account == own {
		u, err := r.User(ctx, own, name)
		if err == nil {
			on.arn, on.tags, on.user = u.ARN(), u.Tags, u
		}
		return err
	}
	if account, _, name, ok := idpool.ParseEntityARN(arn, "saml-provider"); ok && account == own {
		p, err := r.SAMLProvider(ctx, own, name)
		if err == nil {
			on.arn, on.tags = p.ARN(), p.Tags
		}
		return err
	}
	if account, _, name, ok := idpool.ParseEntityARN(arn, "policy"); ok && account == own {
		p, err := r.ManagedPolicy(ctx, own, name)
		if err == nil && p.ARN() == arn { // another path is another policy
			on.tags = p.Tags
		}
		return err
	}
	return nil
}
