package policy

import (
	"fmt"
	"strings"
)

// Error says why a text is no policy document.
type Error struct {
	Text  string // the text of MalformedPolicyDocument (behaviour 9.4); the only part meant for a client
	Where string // for operators: the element that is wrong, such as "statement 2, Action"
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.Text
	}
	return e.Text + " (" + e.Where + ")"
}

// rank orders what can be wrong with a document. IAM reports the first by this
// order, wherever in the document it is.
type rank int

const (
	syntax rank = iota
	oldVersion
	principals
	legacy
	sids
	noActions
	noResources
	resourceForm
	actionForm
	prohibited
)

// The texts of both kinds. "%s" is what the document says.
const (
	textSyntax = "Syntax errors in policy."
	textLegacy = "The policy failed legacy parsing"
	textSid    = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
)

// The texts for policies of identities.
const (
	textOldVersion          = "Policy document must be version 2012-10-17 or greater."
	textPrincipalProhibited = "Policy document should not specify a principal."
	textSidTwice            = "Statement IDs (SID) in a single policy must be unique."
	textNoActions           = "Policy statement must contain actions."
	textNoResources         = "Policy statement must contain resources."
	textActionVendor        = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	textActionColons        = "Actions/Condition can contain only one colon."
	textVendor              = "Vendor %s is not valid"
	textResource            = `Resource %s must be in ARN format or "*".`
	textPartition           = `Partition "%s" is not valid for resource "arn:%s:%s:%s:%s:%s".`
	textResourceVendor      = "Resource vendor must be fully qualified and cannot contain regexes."
)

// The texts for trust policies.
const (
	textTrustJSON          = "This policy contains invalid Json"
	textTrustField         = "Unknown field %s"
	textTrustVersion       = "The policy must contain a valid version string"
	textTrustEmpty         = "Could not parse the policy: Statement is empty!"
	textTrustSidTwice      = "The Statement Ids in the policy are not unique"
	textTrustMissing       = "Missing required field %s"
	textTrustEffect        = "Invalid effect: %s"
	textTrustPrincipalForm = "Principal must be a JSON object."
	textTrustNoPrincipal   = "Missing required field Principal cannot be empty!"
	textTrustPrincipalType = `Invalid principal in policy: "%s"`
	textTrustPrincipal     = `Invalid principal in policy: "%s":"%s"`
	textTrustFederated     = "Federated principals must be valid domain names or SAML metadata ARNs"
	textTrustAllowNot      = "Allow with NotPrincipal is not allowed."
	textTrustNotPrincipal  = "AssumeRole policy must not contain NotPrincipal field."
	textTrustAction        = "AssumeRole policy may only specify STS AssumeRole actions."
	textTrustResource      = "Has prohibited field Resource"
	textTrustNotResource   = "AssumeRole policy must not contain resources."
	textTrustPool          = "A condition block must be present for the Cognito provider"
)

// say puts what the document says into a text: enough of it to find the place.
func say(form string, said ...string) string {
	const most = 2048
	args := make([]any, len(said))
	for i, s := range said {
		if len(s) > most {
			s = strings.ToValidUTF8(s[:most], "") + "..."
		}
		args[i] = s
	}
	return fmt.Sprintf(form, args...)
}
