package idpool

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an [Error] is. Protocols turn kinds into
// their own error codes; a Kind never reaches a client itself.
type Kind int

// The kinds. Internal is the zero value: an error without a kind is internal.
const (
	Internal      Kind = iota // our fault: logged whole, sent as one fixed sentence
	Unavailable               // the store does not answer; the client should repeat
	Invalid                   // well formed, but makes no sense
	Malformed                 // not even of the right form
	NotFound                  // no such pool, identity, provider
	Exists                    // something of that name is there already
	Conflict                  // logins that belong to different identities
	Registered                // a developer user who belongs to another identity
	NotAuthorized             // the proof presented does not allow it
	AccessDenied              // the caller's policies do not allow it
	Changed                   // somebody else changed it meanwhile
	Limit                     // a count limit is reached
	Throttled                 // too many requests
	Misconfigured             // the pool's roles cannot be assumed
	Upstream                  // a provider or another STS cannot be asked

	// What can be wrong with the signature of a request.
	MissingAuthentication // no signature at all
	IncompleteSignature   // a signature that lacks pieces
	InvalidSignature      // it does not match, or its date or scope is wrong
	UnknownAccessKey      // no such access key
	UnknownSession        // a session token that is not ours, or not of this key
	ExpiredSession        // temporary credentials after their end

	// What can be wrong with a web identity token at the STS.
	InvalidToken
	ExpiredToken
	TooLarge // session tags that do not fit into a session

	MalformedPolicy // a policy document that is none
)

// Error is a failure of the domain. Msg is for the client; Cause is for the
// operator's log and is never sent.
type Error struct {
	Kind  Kind
	Msg   string
	Cause error
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.Cause.Error()
}

func (e *Error) Unwrap() error { return e.Cause }

// Because returns a copy of e that carries the cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Errorf makes an error of the kind with a message for the client.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Msg: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of err; Internal if it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// IsNotFound reports whether err is of kind NotFound.
func IsNotFound(err error) bool { return KindOf(err) == NotFound }

// PoolNotFound is the error for a pool that does not exist, or not for this
// caller (behaviour 2.0).
func PoolNotFound(id PoolID) *Error {
	return Errorf(NotFound, "IdentityPool '%s' not found.", id)
}

// IdentityNotFound is the error for an identity that does not exist. Old
// clients compare its text exactly (behaviour 3.6).
func IdentityNotFound(id IdentityID) *Error {
	return Errorf(NotFound, "Identity '%s' not found.", id)
}

// Forbidden is the error for an identity that may not be used this way: it has
// logins and none was shown, or it is disabled (behaviour 2.7).
func Forbidden(id IdentityID) *Error {
	return Errorf(NotAuthorized, "Access to Identity '%s' is forbidden.", id)
}
