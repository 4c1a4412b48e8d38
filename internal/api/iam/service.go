// Package iam is the subset of AWS Identity and Access Management that says
// what the ARNs in a pool stand for: one operation, one file. Those on the tags of
// an entity are in one file, as are those on the policies of a role or a user, and
// those about what nobody has here (unkept.go).
//
// IAM is global: what it keeps belongs to an account, whatever the region that
// a request was signed for.
package iam

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/seal"
	"idpool/internal/wire"
)

// Service holds what the operations work with.
type Service struct {
	Store     idpool.Store
	Directory *idpool.Directory
	Broker    *credential.Broker
	Paging    *seal.Box // markers
	Limits    *limit.Limiter
	Now       func() time.Time
	// PlainHTTP takes provider addresses with plain http and with a port:
	// development mode.
	PlainHTTP bool
}

// window is how far the date of a signature may be from now (behaviour 1.6).
const window = 15 * time.Minute

// Wire is the service as the wire layer serves it.
func (s *Service) Wire() *wire.Service {
	return &wire.Service{
		Name:      "iam",
		Version:   "2010-05-08",
		Namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		Faults:    faults,
		Ops:       s.ops(),
		Admit:     s.Limits.Admit,
		Authenticate: func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error) {
			return s.Broker.Authenticate(ctx, "iam", window, r, body)
		},
		Authorize: s.authorize,
	}
}

// moment is now, as precisely as the store keeps it.
func (s *Service) moment() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// pathOr is the path of an entity that is to be made.
func pathOr(path string) string { return cmp.Or(path, "/") }

// faults are the names and statuses of behaviour 9.1.
var faults = wire.Faults{
	idpool.Internal:     wire.ServerFault("ServiceFailure"),
	idpool.Unavailable:  wire.ServerFault("ServiceFailure").Saying("The store does not answer. Try again."),
	idpool.Malformed:    wire.ClientFault("ValidationError"),
	idpool.Invalid:      wire.ClientFault("InvalidInput"),
	idpool.NotFound:     wire.ClientFault("NoSuchEntity").With(404),
	idpool.Exists:       wire.ClientFault("EntityAlreadyExists").With(409),
	idpool.Limit:        wire.ClientFault("LimitExceeded").With(409),
	idpool.Conflict:     wire.ClientFault("DeleteConflict").With(409),
	idpool.Changed:      wire.ClientFault("ConcurrentModification").With(409),
	idpool.AccessDenied: wire.ClientFault("AccessDenied").With(403),
	idpool.Throttled:    wire.ClientFault("Throttling").Saying("Rate exceeded"),

	idpool.MalformedPolicy: wire.ClientFault("MalformedPolicyDocument"),

	idpool.MissingAuthentication: wire.ClientFault("MissingAuthenticationToken").With(403).Saying("Request is missing Authentication Token"),
	idpool.IncompleteSignature:   wire.ClientFault("IncompleteSignature"),
	idpool.InvalidSignature:      wire.ClientFault("SignatureDoesNotMatch").With(403),
	idpool.UnknownAccessKey:      wire.ClientFault("InvalidClientTokenId").With(403),
	idpool.UnknownSession:        wire.ClientFault("InvalidClientTokenId").With(403).Saying("The security token included in the request is invalid"),
	idpool.ExpiredSession:        wire.ClientFault("ExpiredToken").With(403),
}
