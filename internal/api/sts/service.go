// Package sts is the subset of the AWS Security Token Service that stands
// beside identity pools: one operation, one file.
package sts

import (
	"context"
	"net/http"
	"time"

	"idpool/internal/credential"
	"idpool/internal/idpool"
	"idpool/internal/limit"
	"idpool/internal/login"
	"idpool/internal/saml"
	"idpool/internal/token"
	"idpool/internal/wire"
)

// Service holds what the operations work with.
type Service struct {
	Store     idpool.Store
	Directory *idpool.Directory
	Issuer    *token.Issuer
	Logins    login.Verifiers // of tokens that are not ours
	Responses *saml.Verifier
	Broker    *credential.Broker
	Limits    *limit.Limiter
	Now       func() time.Time
}

// window is how far the date of a signature may be from now (behaviour 1.6).
const window = 15 * time.Minute

// Wire is the service as the wire layer serves it.
func (s *Service) Wire() *wire.Service {
	return &wire.Service{
		Name:      "sts",
		Version:   "2011-06-15",
		Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Faults:    faults,
		Ops: []wire.Op{
			wire.Public("AssumeRoleWithWebIdentity", assumeRoleWithWebIdentityShape, s.assumeRoleWithWebIdentity).
				Raises(idpool.TooLarge, idpool.MalformedPolicy, idpool.InvalidToken, idpool.ExpiredToken),
			wire.Public("AssumeRoleWithSAML", assumeRoleWithSAMLShape, s.assumeRoleWithSAML).
				Raises(idpool.TooLarge, idpool.MalformedPolicy, idpool.InvalidToken, idpool.ExpiredToken),
			wire.Signed("AssumeRole", assumeRoleShape, s.assumeRole).
				On(theRole).Raises(idpool.TooLarge, idpool.MalformedPolicy, idpool.ExpiredToken),
			wire.Signed("GetAccessKeyInfo", getAccessKeyInfoShape, s.getAccessKeyInfo),
			wire.Signed("GetCallerIdentity", wire.Struct{}, s.getCallerIdentity),
			wire.Signed("GetSessionToken", getSessionTokenShape, s.getSessionToken),
		},
		Admit: s.Limits.Admit,
		Authenticate: func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error) {
			return s.Broker.Authenticate(ctx, "sts", window, r, body)
		},
	}
}

// theRole is the role that the input names.
func theRole(_ idpool.Caller, text func(string) string) string { return text("RoleArn") }

// faults are the names and statuses of behaviour 8.2.
var faults = wire.Faults{
	idpool.Internal:        wire.ServerFault("InternalFailure"),
	idpool.Unavailable:     wire.ServerFault("ServiceUnavailable").With(503).Saying("The store does not answer. Try again."),
	idpool.Invalid:         wire.ClientFault("ValidationError"),
	idpool.AccessDenied:    wire.ClientFault("AccessDenied").With(403),
	idpool.Throttled:       wire.ClientFault("Throttling").Saying("Rate exceeded"),
	idpool.InvalidToken:    wire.ClientFault("InvalidIdentityToken"),
	idpool.Malformed:       wire.ClientFault("InvalidParameterValue"),
	idpool.MalformedPolicy: wire.ClientFault("MalformedPolicyDocument"),
	idpool.TooLarge:        wire.ClientFault("PackedPolicyTooLarge"),
	idpool.ExpiredToken:    wire.ClientFault("ExpiredTokenException"),

	idpool.MissingAuthentication: wire.ClientFault("MissingAuthenticationToken").With(403).Saying("Request is missing Authentication Token"),
	idpool.IncompleteSignature:   wire.ClientFault("IncompleteSignature"),
	idpool.InvalidSignature:      wire.ClientFault("SignatureDoesNotMatch").With(403),
	idpool.UnknownAccessKey:      wire.ClientFault("InvalidClientTokenId").With(403),
	idpool.UnknownSession:        wire.ClientFault("InvalidClientTokenId").With(403).Saying("The security token included in the request is invalid"),
	idpool.ExpiredSession:        wire.ClientFault("ExpiredToken").With(403),
}
