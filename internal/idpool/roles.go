package idpool

import (
	"fmt"
	"slices"
	"strings"
)

// RoleMapping says how the tokens of one provider choose a role (behaviour
// 6.3).
type RoleMapping struct {
	Type      MappingType
	Ambiguous AmbiguousRole
	Rules     []MappingRule // in order; of type Rules only
}

// MappingType is the way of a role mapping.
type MappingType string

// The types of role mappings.
const (
	TokenMapping MappingType = "Token" // the provider chose
	RulesMapping MappingType = "Rules" // claims choose
)

// AmbiguousRole is what happens when no single role results.
type AmbiguousRole string

// The ambiguous role resolutions.
const (
	UseAuthenticatedRole AmbiguousRole = "AuthenticatedRole"
	DenyAmbiguous        AmbiguousRole = "Deny"
)

// MappingRule gives a role to those whose claim matches.
type MappingRule struct {
	Claim string
	Match MatchType
	Value string
	Role  string // ARN
}

// MatchType is how a rule compares.
type MatchType string

// The match types.
const (
	Equals     MatchType = "Equals"
	Contains   MatchType = "Contains"
	StartsWith MatchType = "StartsWith"
	NotEqual   MatchType = "NotEqual"
)

// RoleChoice is the role for somebody, and how it was found: one step for each
// thing that was looked at, in order.
type RoleChoice struct {
	Role  string // ARN; empty if there is none
	Steps []RoleStep
}

// RoleStep is one thing that the choice of a role looked at.
type RoleStep struct {
	Source  string `json:"source"`         // what: "rule 2 of PROVIDER", "cognito:preferred_role", "default role" …
	Role    string `json:"role,omitempty"` // ARN that it offers
	Matched bool   `json:"matched"`
	Why     string `json:"why"`
}

func (c *RoleChoice) look(source, role string, matched bool, why string) {
	c.Steps = append(c.Steps, RoleStep{Source: source, Role: role, Matched: matched, Why: why})
}

// ChooseRole finds the role of somebody who proved these logins, or of a guest
// who proved none (behaviour 6.3). custom is the role asked for, or empty; it
// means something only where roles are offered. Of several logins the first by
// provider name decides that has a role mapping, or whose provider chooses.
//
// The steps of the choice are returned with an error too. It is of kind
// Misconfigured if the pool has no role to give, NotAuthorized if the mapping
// denies, or does not offer the role asked for, Invalid if a provider offers
// several roles and none was asked for.
func ChooseRole(pool Pool, verified []VerifiedLogin, custom string) (RoleChoice, error) {
	var c RoleChoice
	if len(verified) == 0 {
		err := c.byDefault(pool, Unauthenticated, "nobody is logged in")
		return c, err
	}
	for _, login := range verified {
		m, ok := pool.RoleMappings[login.MappingKey]
		switch {
		case m.Type == RulesMapping:
			err := c.byRules(pool, m, login, custom)
			return c, err
		case ok || login.ProviderChooses:
			err := c.byToken(pool, m, login, custom)
			return c, err
		}
	}
	err := c.byDefault(pool, Authenticated, "no provider used has a role mapping or chooses a role")
	return c, err
}

// DefaultRole is the role of somebody who comes with a token of our own: no
// provider's mapping applies (behaviour 3.5). The error is of kind
// Misconfigured.
func DefaultRole(pool Pool, kind RoleType) (RoleChoice, error) {
	var c RoleChoice
	err := c.byDefault(pool, kind, "the login is a token of our own")
	return c, err
}

// byDefault takes one of the pool's two default roles.
func (c *RoleChoice) byDefault(pool Pool, kind RoleType, why string) error {
	role, ok := pool.Roles[kind]
	source := "default role for " + string(kind) + " identities"
	if !ok {
		c.look(source, "", false, why+", and the pool has none")
		return NoRole(fmt.Errorf("the pool has no role for %s identities", kind))
	}
	c.look(source, role, true, why)
	c.Role = role
	return nil
}

// byToken takes the role that the provider chose. Without a role mapping m is
// empty.
func (c *RoleChoice) byToken(pool Pool, m RoleMapping, login VerifiedLogin, custom string) error {
	preferred, offered := "cognito:preferred_role", "cognito:roles"
	if login.ProviderChooses {
		offered = "roles of the assertion"
	}
	switch {
	case custom != "":
		ok := slices.Contains(login.OfferedRoles, custom)
		if !ok {
			c.look(offered, custom, false, fmt.Sprintf("the role asked for is not among the %d that the token offers", len(login.OfferedRoles)))
			return roleNotOffered(custom)
		}
		c.look(offered, custom, true, "the token offers the role asked for")
		c.Role = custom
	case login.PreferredRole != "":
		c.look(preferred, login.PreferredRole, true, "the token prefers it")
		c.Role = login.PreferredRole
	case len(login.OfferedRoles) == 1:
		c.look(offered, login.OfferedRoles[0], true, "the token offers no other")
		c.Role = login.OfferedRoles[0]
	default:
		c.look(offered, "", false, fmt.Sprintf("the token offers %d roles and prefers none", len(login.OfferedRoles)))
		return c.ambiguous(pool, m, login)
	}
	return nil
}

// byRules takes the role of the first rule that matches, or of the one that
// offers the role asked for.
func (c *RoleChoice) byRules(pool Pool, m RoleMapping, login VerifiedLogin, custom string) error {
	for i, rule := range m.Rules {
		matched, why := rule.matches(login.Claims)
		if matched && custom != "" && rule.Role != custom {
			matched, why = false, why+", but another role was asked for"
		}
		c.look(fmt.Sprintf("rule %d of %s", i+1, login.MappingKey), rule.Role, matched, why)
		if matched {
			c.Role = rule.Role
			return nil
		}
	}
	if custom != "" {
		return roleNotOffered(custom)
	}
	return c.ambiguous(pool, m, login)
}

// ambiguous does what the mapping says for when no single role results.
func (c *RoleChoice) ambiguous(pool Pool, m RoleMapping, login VerifiedLogin) error {
	switch m.Ambiguous {
	case "":
		return Errorf(Invalid, "The login token offers %d roles. CustomRoleArn must name one of them.", len(login.OfferedRoles))
	case UseAuthenticatedRole:
		return c.byDefault(pool, Authenticated, "no single role resulted, and the mapping says AuthenticatedRole")
	}
	c.look("ambiguous role resolution", "", false, "no single role resulted, and the mapping says "+string(m.Ambiguous))
	return Errorf(NotAuthorized, "The ambiguous role mapping rules for: %s denied this request.", login.Provider)
}

// matches compares a rule with the claims and says how it came out. A claim
// that is absent, null or an object matches nothing, not even NotEqual. Texts
// are compared byte for byte. Numbers and booleans have their JSON text and
// know Equals and NotEqual only. Of a list any element may match; NotEqual
// wants every element to differ.
func (r MappingRule) matches(claims Claims) (matched bool, why string) {
	claim, ok := claims[r.Claim]
	if !ok || claim == nil {
		return false, "no claim " + r.Claim
	}
	values, ok := claim.([]any)
	if !ok {
		values = []any{claim}
	}
	if len(values) == 0 {
		return false, "claim " + r.Claim + " is an empty list"
	}
	some, noneEqual := false, true
	for _, v := range values {
		is, ok := r.compare(v)
		some = some || ok && is
		noneEqual = noneEqual && ok && !is
	}
	matched = some
	if r.Match == NotEqual {
		matched = noneEqual
	}
	does := "does not match"
	if matched {
		does = "matches"
	}
	return matched, fmt.Sprintf("claim %s %s %s %q", r.Claim, does, r.Match, r.Value)
}

// compare compares one value. For NotEqual it says whether the two are equal.
// Not ok means that such a value matches nothing.
func (r MappingRule) compare(v any) (is, ok bool) {
	text, ok := scalar(v)
	if !ok {
		return false, false
	}
	_, isText := v.(string)
	switch r.Match {
	case Equals, NotEqual:
		return text == r.Value, true
	case Contains:
		return isText && strings.Contains(text, r.Value), isText
	case StartsWith:
		return isText && strings.HasPrefix(text, r.Value), isText
	}
	return false, false
}

// CheckRoleMappings checks what the service model does not say about role
// mappings (behaviour 2.19). maxRules is how many rules one may have. The error
// is of kind Invalid.
func CheckRoleMappings(pool Pool, mappings map[string]RoleMapping, maxRules int) error {
	keys := pool.MappingKeys()
	for _, key := range sortedKeys(mappings) {
		m := mappings[key]
		switch {
		case !slices.Contains(keys, key):
			return Errorf(Invalid, "(%s) is not a valid RoleMapping ProviderName or is not a configured provider.", key)
		case m.Ambiguous == "":
			return Errorf(Invalid, "AmbiguousRoleResolution is required in the role mapping of (%s).", key)
		case m.Type == RulesMapping && len(m.Rules) == 0:
			return Errorf(Invalid, "RulesConfiguration is required in the role mapping of (%s), whose Type is Rules.", key)
		case m.Type == TokenMapping && len(m.Rules) > 0:
			return Errorf(Invalid, "RulesConfiguration is not allowed in the role mapping of (%s), whose Type is Token.", key)
		case maxRules > 0 && len(m.Rules) > maxRules:
			return Errorf(Invalid, "The role mapping of (%s) has %d rules, at most %d are allowed.", key, len(m.Rules), maxRules)
		}
	}
	return nil
}

// NoRole is the refusal of a pool whose roles cannot be assumed.
func NoRole(cause error) error {
	return Errorf(Misconfigured, "Invalid identity pool configuration. Check assigned IAM roles for this pool.").Because(cause)
}

func roleNotOffered(arn string) error {
	return Errorf(NotAuthorized, "The role %s is not among those that the login token offers.", arn)
}
