package policy

import (
	"regexp"
	"slices"
	"strings"
)

// Principal is who makes a request (IAM User Guide, "AWS JSON policy elements:
// Principal"). Exactly one of ARN, Federated and Service is set.
type Principal struct {
	ARN       string // of an account's root, a user, or the session of a role
	Role      string // ARN of the role, with its path, if ARN is a session of it
	Federated string // the provider that vouches: its domain name, or its ARN
	Service   string // such as "ec2.amazonaws.com"
}

// Provider is the federated principal of identity pools.
const Provider = "cognito-identity.amazonaws.com"

// poolProviders are the federated principals of identity pools, in all
// partitions (behaviour 6.7).
var poolProviders = []string{Provider, "cognito-identity-us-gov.amazonaws.com", "cognito-identity.us-gov-east-1.amazonaws.com"}

// principalSet is the element Principal of a statement.
type principalSet struct {
	everyone  bool
	accounts  []string // all principals of these
	arns      []string
	federated []string
	services  []string
}

// matches reports whether the statement is about a principal. Everyone is
// everyone for a Deny. For an Allow it is everyone with an AWS identity: a
// provider or a service is trusted by its name only.
func (s *principalSet) matches(p Principal, effect Effect) bool {
	switch {
	case s.everyone && (effect == Deny || p.ARN != ""):
		return true
	case p.ARN != "":
		return slices.Contains(s.arns, p.ARN) || p.Role != "" && slices.Contains(s.arns, p.Role) || slices.Contains(s.accounts, arnField(p.ARN, 4))
	case p.Federated != "":
		return slices.Contains(s.federated, p.Federated)
	}
	return p.Service != "" && slices.Contains(s.services, p.Service)
}

var (
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	principalForm = regexp.MustCompile(`^arn:aws(?:-[a-z0-9-]+)?:(?:iam::[0-9]{12}:(?:user|role)/[^*?\s]+|sts::[0-9]{12}:(?:assumed-role/[^/*?]+/[^/*?]+|federated-user/[^/*?]+))$`)
	rootForm      = regexp.MustCompile(`^arn:aws(?:-[a-z0-9-]+)?:iam::([0-9]{12}):root$`)
	providerForm  = regexp.MustCompile(`^arn:aws(?:-[a-z0-9-]+)?:iam::[0-9]{12}:(?:oidc|saml)-provider/[^*?\s]+$`)
	domainForm    = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
)

// principal reads the element Principal of a trust policy.
func (p *parser) principal(where string, v any) *principalSet {
	s := &principalSet{}
	if v == "*" {
		s.everyone = true
		return s
	}
	types, ok := v.(object)
	if !ok {
		p.complain(principals, where, textTrustPrincipalForm)
		return s
	}
	if len(types) == 0 {
		p.complain(principals, where, textTrustNoPrincipal)
	}
	for _, m := range types {
		ids := p.list(where, m.value)
		if len(ids) == 0 {
			p.complain(principals, where, textTrustNoPrincipal)
		}
		for _, id := range ids {
			switch root := rootForm.FindStringSubmatch(id); {
			case m.name == "AWS" && id == "*":
				s.everyone = true
			case m.name == "AWS" && accountForm.MatchString(id):
				s.accounts = append(s.accounts, id)
			case m.name == "AWS" && root != nil:
				s.accounts = append(s.accounts, root[1])
			case m.name == "AWS" && principalForm.MatchString(id):
				s.arns = append(s.arns, id)
			case m.name == "Federated" && (domainForm.MatchString(id) || providerForm.MatchString(id)):
				s.federated = append(s.federated, id)
			case m.name == "Service" && domainForm.MatchString(id) && strings.Contains(id, "."):
				s.services = append(s.services, id)
			case m.name == "Federated":
				p.complain(principals, where, textTrustFederated)
			case m.name == "AWS" || m.name == "Service":
				p.complain(principals, where, say(textTrustPrincipal, strings.ToUpper(m.name), id))
			default:
				p.complain(principals, where, say(textTrustPrincipalType, m.name))
			}
		}
	}
	return s
}
