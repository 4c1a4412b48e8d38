package saml

import (
	"errors"
	"regexp"
	"strings"
)

// The attributes that AWS reads (IAM User Guide, "Configure SAML assertions for
// the authentication response").
const (
	RoleAttribute            = "https://aws.amazon.com/SAML/Attributes/Role"
	SessionNameAttribute     = "https://aws.amazon.com/SAML/Attributes/RoleSessionName"
	SessionDurationAttribute = "https://aws.amazon.com/SAML/Attributes/SessionDuration"
	SourceIdentityAttribute  = "https://aws.amazon.com/SAML/Attributes/SourceIdentity"
	TransitiveTagsAttribute  = "https://aws.amazon.com/SAML/Attributes/TransitiveTagKeys"
	TagAttributePrefix       = "https://aws.amazon.com/SAML/Attributes/PrincipalTag:" // and the tag's key
)

// Roles are the ARNs of the roles that the assertion offers together with the
// provider of that ARN, in order. A value is the pair of both, in either order.
func (a Assertion) Roles(provider string) (roles []string) {
	for _, pair := range a.Attributes[RoleAttribute] {
		one, other, _ := strings.Cut(pair, ",")
		one, other = strings.TrimSpace(one), strings.TrimSpace(other)
		if one == provider {
			one, other = other, one
		}
		if other == provider && strings.Contains(one, ":role/") {
			roles = append(roles, one)
		}
	}
	return roles
}

// What is wrong with an assertion whose session has no name: the hosted
// service's sentences.
var (
	ErrNoSessionName  = errors.New("RoleSessionName is required in AuthnResponse")
	ErrBadSessionName = errors.New("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
)

var sessionNameForm = regexp.MustCompile(`^[a-zA-Z_0-9+=,.@-]{2,64}$`)

// SessionName is the name of a role's session: the one value of RoleSessionName.
// The error is ErrNoSessionName or ErrBadSessionName.
func (a Assertion) SessionName() (string, error) {
	switch names := a.Attributes[SessionNameAttribute]; {
	case len(names) == 0:
		return "", ErrNoSessionName
	case len(names) > 1 || !sessionNameForm.MatchString(names[0]):
		return "", ErrBadSessionName
	default:
		return names[0], nil
	}
}
