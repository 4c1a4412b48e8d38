package iam

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

// policyOutput is a managed policy in an answer.
type policyOutput struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    date
	UpdateDate                    date
	Tags                          *wire.XMLList[tag]
}

// listedPolicy is a policy as ListPolicies shows it.
func listedPolicy(p idpool.ManagedPolicy, attachments int) policyOutput {
	return policyOutput{
		PolicyName: p.Name, PolicyID: p.ID, Arn: p.ARN(), Path: p.Path, DefaultVersionID: p.Default, AttachmentCount: attachments, IsAttachable: true,
		CreateDate: date(p.Created), UpdateDate: date(p.Updated),
	}
}

// versionOutput is a version of a policy in an answer.
type versionOutput struct {
	Document         encoded `xml:",omitempty"`
	VersionID        string  `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       date
}

// listedVersion is a version without its document.
func listedVersion(p idpool.ManagedPolicy, v idpool.PolicyVersion) versionOutput {
	return versionOutput{VersionID: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: date(v.Created)}
}

// awsAccount is the account of the policies of AWS.
const awsAccount = "aws"

// ofAWS is a policy of AWS as if it were one of the account's.
func ofAWS(m policy.Managed) idpool.ManagedPolicy {
	return idpool.ManagedPolicy{
		Account: awsAccount, Name: m.Name, Path: "/", ID: m.ID, Description: m.Description, Default: m.Version, Created: m.Created, Updated: m.Updated,
		Versions: []idpool.PolicyVersion{{ID: m.Version, Document: m.Document, Created: m.Updated}},
	}
}

// policyKey sorts policies by name. A name can be one of the account's and one
// of AWS's.
func policyKey(name, arn string) string { return idpool.FoldName(name) + "\n" + arn }

// parsePolicyARN takes the ARN of a policy apart.
func parsePolicyARN(arn string) (account, name string, err error) {
	if strings.Count(arn, ":") < 5 || !strings.HasPrefix(arn, "arn:") {
		return "", "", idpool.Errorf(idpool.Malformed, "Invalid ARN:  Could not be parsed!")
	}
	account, _, name, ok := idpool.ParseEntityARN(arn, "policy")
	if !ok {
		return "", "", idpool.Errorf(idpool.Malformed, "ARN %s is not valid.", arn)
	}
	return account, name, nil
}

func policyMissing(arn string) error {
	return idpool.Errorf(idpool.NotFound, "Policy %s was not found.", arn)
}

// managedPolicy reads the policy that an ARN names: one of the caller's account,
// or of AWS.
func managedPolicy(ctx context.Context, r idpool.Reader, caller idpool.Caller, arn string) (idpool.ManagedPolicy, error) {
	account, name, err := parsePolicyARN(arn)
	if err != nil {
		return idpool.ManagedPolicy{}, err
	}
	switch account {
	case awsAccount:
		if m, ok := policy.FindAWSManaged(arn); ok {
			return ofAWS(m), nil
		}
	case caller.Account:
		p, err := r.ManagedPolicy(ctx, account, name)
		if err == nil && p.ARN() == arn || err != nil && !idpool.IsNotFound(err) {
			return p, err
		}
	}
	return idpool.ManagedPolicy{}, policyMissing(arn)
}

// viewPolicy reads the policy that an ARN names.
func (s *Service) viewPolicy(ctx context.Context, caller idpool.Caller, arn string) (found idpool.ManagedPolicy, err error) {
	err = s.Store.View(ctx, func(r idpool.Reader) (err error) {
		found, err = managedPolicy(ctx, r, caller, arn)
		return err
	})
	return found, err
}

// ownPolicy reads a policy of the caller's account that is to be changed.
func ownPolicy(ctx context.Context, r idpool.Reader, caller idpool.Caller, arn string) (idpool.ManagedPolicy, error) {
	p, err := managedPolicy(ctx, r, caller, arn)
	if err == nil && p.Account == awsAccount {
		err = idpool.Errorf(idpool.AccessDenied, "Policy %s is managed by AWS and cannot be changed.", arn)
	}
	return p, err
}

// changePolicy changes a policy of the account in a transaction.
func (s *Service) changePolicy(ctx context.Context, caller idpool.Caller, arn string, change func(*idpool.ManagedPolicy) error) error {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := ownPolicy(ctx, w, caller, arn)
		if err == nil {
			err = change(&p)
		}
		if err != nil {
			return err
		}
		return w.PutManagedPolicy(ctx, p)
	})
	if err == nil {
		s.Broker.PrincipalsChanged(caller.Account)
	}
	return err
}

// version finds a version of a policy.
func version(p idpool.ManagedPolicy, id string) (idpool.PolicyVersion, error) {
	for _, v := range p.Versions {
		if v.ID == id {
			return v, nil
		}
	}
	return idpool.PolicyVersion{}, idpool.Errorf(idpool.NotFound, "Policy %s version %s does not exist or is not attachable.", p.ARN(), id)
}

// versionKey sorts versions, the newest first.
func versionKey(v idpool.PolicyVersion) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(v.ID, "v"))
	return fmt.Sprintf("%010d", 1<<32-n)
}

// attachments counts the roles and users that each policy is attached to.
func attachments(ctx context.Context, r idpool.Reader, account string) (map[string]int, error) {
	roles, err := r.Roles(ctx, account)
	if err != nil {
		return nil, err
	}
	users, err := r.Users(ctx, account)
	count := map[string]int{}
	for _, r := range roles {
		for _, arn := range r.Attached {
			count[arn]++
		}
	}
	for _, u := range users {
		for _, arn := range u.Attached {
			count[arn]++
		}
	}
	return count, err
}

// onPolicy is the policy that an operation works on: one that exists has an ARN,
// one that is to be made will have.
func onPolicy(caller idpool.Caller, text func(string) string) string {
	if arn := text("PolicyArn"); arn != "" {
		return arn
	}
	return idpool.ManagedPolicy{Account: caller.Account, Name: text("PolicyName"), Path: pathOr(text("Path"))}.ARN()
}
