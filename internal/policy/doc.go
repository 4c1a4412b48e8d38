// Package policy reads IAM policy documents and evaluates them.
//
//	text ─► Parse ─► *Document (compiled, kept beside the role)
//	Document + Request ─► Evaluate ─► Decision: the verdict, and for each statement why
//
// A document is read strictly, once: what the policy language does not know is
// refused with the text that IAM answers ([Error]), so that evaluation never
// meets anything it has to guess. Evaluation is a pure function: it knows no
// clock, no network and no randomness. What a condition may test (the time, the
// claims of a token, the tags of a session) comes in with the [Request].
//
// The verdict follows the "Policy evaluation logic" of the IAM User Guide: an
// explicit deny wins over everything, an allow over nothing, and what nobody
// allowed is not allowed. Session policies only ever narrow
// ([EvaluateSession]).
//
// Where the guide leaves a choice, the narrower reading is taken: "*" as a
// principal of an Allow means every caller with an AWS identity, not whoever
// holds a token of some provider; what a policy variable brings in is text, its
// "*" is no wildcard and its "${" no variable; an empty value is no value for a
// variable.
package policy
