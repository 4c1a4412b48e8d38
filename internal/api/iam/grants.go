package iam

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"idpool/internal/idpool"
	"idpool/internal/policy"
	"idpool/internal/wire"
)

// holder is a role or a user as the one who has policies: what the operations on
// them say about it.
type holder struct {
	kind          string // role or user
	name          string
	maxInlineSize int
	quota         string // of attached policies
}

func roleHolder(r idpool.Role) holder {
	return holder{"role", r.Name, maxRoleInlineSize, "PoliciesPerRole"}
}

func userHolder(u idpool.User) holder {
	return holder{"user", u.Name, maxUserInlineSize, "PoliciesPerUser"}
}

// checkDocument checks that a text is a policy document.
func checkDocument(text string, kind policy.Kind) error {
	_, err := policy.Parse(text, kind)
	if bad, ok := errors.AsType[*policy.Error](err); ok {
		return idpool.Errorf(idpool.MalformedPolicy, "%s", bad.Text).Because(err)
	}
	return err
}

// checkTrust checks a trust policy.
func checkTrust(text string) error {
	if err := checkDocument(text, policy.Trust); err != nil {
		return err
	}
	if size(text) > maxTrustSize {
		return quota("ACLSizePerRole", maxTrustSize)
	}
	return nil
}

// size counts the characters that a quota counts.
func size(text string) (n int) {
	for _, c := range text {
		if !strings.ContainsRune(" \t\r\n", c) {
			n++
		}
	}
	return n
}

// inlineName finds an inline policy, and how its name is spelled.
func (h holder) inlineName(g idpool.Grants, name string) (string, error) {
	if err := checkName("policyName", name); err != nil {
		return "", err
	}
	for held := range g.Inline {
		if idpool.FoldName(held) == idpool.FoldName(name) {
			return held, nil
		}
	}
	return "", idpool.Errorf(idpool.NotFound, "The %s policy with name %s cannot be found.", h.kind, name)
}

// putInline adds or replaces an inline policy, whose document was checked.
func (h holder) putInline(g *idpool.Grants, name, document string) error {
	held, err := h.inlineName(*g, name)
	if err != nil && !idpool.IsNotFound(err) {
		return err
	}
	delete(g.Inline, held)
	if g.Inline == nil {
		g.Inline = map[string]string{}
	}
	g.Inline[name] = document
	total := 0
	for _, text := range g.Inline {
		total += size(text)
	}
	if total > h.maxInlineSize {
		return idpool.Errorf(idpool.Limit, "Maximum policy size of %d bytes exceeded for %s %s", h.maxInlineSize, h.kind, h.name)
	}
	return nil
}

func (h holder) deleteInline(g *idpool.Grants, name string) error {
	held, err := h.inlineName(*g, name)
	delete(g.Inline, held)
	return err
}

// attach attaches a managed policy, of the account or of AWS; one that is
// attached already is accepted.
func (h holder) attach(ctx context.Context, r idpool.Reader, caller idpool.Caller, g *idpool.Grants, arn string) error {
	p, err := managedPolicy(ctx, r, caller, arn)
	if idpool.IsNotFound(err) {
		return idpool.Errorf(idpool.NotFound, "Policy %s does not exist or is not attachable.", arn)
	}
	if err != nil {
		return err
	}
	at, attached := slices.BinarySearch(g.Attached, p.ARN())
	if attached {
		return nil
	}
	if len(g.Attached) >= maxAttached {
		return quota(h.quota, maxAttached)
	}
	g.Attached = slices.Insert(g.Attached, at, p.ARN())
	return nil
}

func (h holder) detach(g *idpool.Grants, arn string) error {
	if _, _, err := parsePolicyARN(arn); err != nil {
		return err
	}
	at, attached := slices.BinarySearch(g.Attached, arn)
	if !attached {
		return policyMissing(arn)
	}
	g.Attached = slices.Delete(g.Attached, at, at+1)
	return nil
}

// free checks that nothing is left that keeps its holder from being deleted.
func (h holder) free(g idpool.Grants) error {
	switch {
	case len(g.Attached) > 0:
		return idpool.Errorf(idpool.Conflict, "Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return idpool.Errorf(idpool.Conflict, "Cannot delete entity, must delete policies first.")
	}
	return nil
}

// inlineOutput lists the names of inline policies.
type inlineOutput struct {
	PolicyNames wire.XMLList[string]
	pageOutput
}

func (s *Service) pageInline(caller idpool.Caller, in pageInput, g idpool.Grants, op, entity string) (out inlineOutput, err error) {
	names := slices.SortedFunc(maps.Keys(g.Inline), func(a, b string) int { return strings.Compare(idpool.FoldName(a), idpool.FoldName(b)) })
	out.PolicyNames, out.pageOutput, err = page(s, caller, in, names, idpool.FoldName, op, entity)
	return out, err
}

// attachedOutput lists attached policies.
type attachedOutput struct {
	AttachedPolicies wire.XMLList[attachedPolicy]
	pageOutput
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

func (s *Service) pageAttached(caller idpool.Caller, in pageInput, g idpool.Grants, prefix, op, entity string) (out attachedOutput, err error) {
	if err := checkPrefix(prefix); err != nil {
		return attachedOutput{}, err
	}
	var list []attachedPolicy
	for _, arn := range g.Attached {
		if _, path, name, _ := idpool.ParseEntityARN(arn, "policy"); strings.HasPrefix(path, prefix) {
			list = append(list, attachedPolicy{name, arn})
		}
	}
	key := func(p attachedPolicy) string { return policyKey(p.PolicyName, p.PolicyArn) }
	slices.SortFunc(list, func(a, b attachedPolicy) int { return strings.Compare(key(a), key(b)) })
	out.AttachedPolicies, out.pageOutput, err = page(s, caller, in, list, key, op, entity, prefix)
	return out, err
}
