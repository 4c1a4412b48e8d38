package idpool

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The entities of IAM. Each belongs to an account, whatever the region. Names
// are unique in the account without regard to case, and keep the case that they
// were given in (IAM User Guide, "IAM identifiers").

// Role is an IAM role: who may become it, and what it may do then.
type Role struct {
	Account     string
	Name        string
	Path        string // with both slashes; "/" for none
	ID          string // AROA and 17 characters: never given to another role
	Description string
	Trust       string        // the trust policy, as submitted
	MaxSession  time.Duration // 1 to 12 hours
	Grants
	Tags    map[string]string
	Created time.Time
}

// User is an IAM user. What proves it is an access key.
type User struct {
	Account string
	Name    string
	Path    string
	ID      string // AIDA and 17 characters
	Grants
	Tags    map[string]string
	Created time.Time
}

// Grants are the policies that say what a role or a user may do.
type Grants struct {
	Inline   map[string]string // policy name → document, as submitted
	Attached []string          // ARNs of managed policies, sorted
}

// ManagedPolicy is a customer managed policy with its versions.
type ManagedPolicy struct {
	Account     string
	Name        string
	Path        string
	ID          string // ANPA and 17 characters
	Description string
	Versions    []PolicyVersion // oldest first, at least one
	Default     string          // ID of the version in force
	Made        int             // how many versions there ever were: the number of the last one
	Tags        map[string]string
	Created     time.Time
	Updated     time.Time
}

// PolicyVersion is one version of a managed policy.
type PolicyVersion struct {
	ID       string // v1, v2 …: a number is never used twice
	Document string // as submitted
	Created  time.Time
}

// SAMLProvider is an IAM SAML provider.
type SAMLProvider struct {
	Account    string
	Name       string
	ID         string // ASPA and 17 characters
	Metadata   string // the document, as submitted
	ValidUntil time.Time
	Tags       map[string]string
	Created    time.Time
}

// ARN is the role's ARN.
func (r Role) ARN() string { return entityARN(r.Account, "role", r.Path, r.Name) }

// ARN is the user's ARN.
func (u User) ARN() string { return entityARN(u.Account, "user", u.Path, u.Name) }

// ARN is the policy's ARN.
func (p ManagedPolicy) ARN() string { return entityARN(p.Account, "policy", p.Path, p.Name) }

// ARN is the provider's ARN.
func (p SAMLProvider) ARN() string { return entityARN(p.Account, "saml-provider", "/", p.Name) }

func entityARN(account, kind, path, name string) string {
	return fmt.Sprintf("arn:aws:iam::%s:%s%s%s", account, kind, path, name)
}

// Document is the version of the policy that is in force.
func (p ManagedPolicy) Document() string {
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return v.Document
		}
	}
	return ""
}

// Clone copies the grants, so that the copy can change.
func (g Grants) Clone() Grants {
	return Grants{Inline: maps.Clone(g.Inline), Attached: slices.Clone(g.Attached)}
}

// SAMLProviderByARN reads the SAML provider of an account that an ARN names, to
// the letter: two who compare ARNs must not think of different ones. An ARN that
// names none is NotFound, whatever is wrong with it.
func SAMLProviderByARN(ctx context.Context, r Reader, account, arn string) (SAMLProvider, error) {
	of, path, name, ok := ParseEntityARN(arn, "saml-provider")
	if !ok || of != account || path != "/" {
		return SAMLProvider{}, Errorf(NotFound, "no such SAML provider")
	}
	p, err := r.SAMLProvider(ctx, account, name)
	if err == nil && p.Name != name {
		err = Errorf(NotFound, "no such SAML provider")
	}
	return p, err
}

// FoldName is the key of an entity's name: two names that differ in case only
// are one.
func FoldName(name string) string { return strings.ToLower(name) }

// ParseEntityARN takes the ARN of an IAM entity apart: kind is role, user,
// policy or saml-provider. The path has both slashes. An ARN of a managed policy
// of AWS has the account "aws".
func ParseEntityARN(arn, kind string) (account, path, name string, ok bool) {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" || !slices.Contains(partitions, p[1]) || p[2] != "iam" || p[3] != "" || !isAccount(p[4]) && p[4] != "aws" {
		return "", "", "", false
	}
	rest, ok := strings.CutPrefix(p[5], kind+"/")
	if !ok {
		return "", "", "", false
	}
	at := strings.LastIndexByte(rest, '/')
	path, name = "/"+rest[:at+1], rest[at+1:]
	return p[4], path, name, name != ""
}
