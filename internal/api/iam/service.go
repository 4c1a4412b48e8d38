// Package iam is the subset of AWS Identity and Access Management that says
// what the ARNs in a pool stand for: one operation, one file.
//
// IAM is global: what it keeps belongs to an account, whatever the region that
// a request was signed for.
package iam

import (
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
		Ops: []wire.Op{
			wire.Signed("AddClientIDToOpenIDConnectProvider", addClientIDShape, s.addClientID).On(providerARN),
			wire.Signed("CreateOpenIDConnectProvider", createOIDCProviderShape, s.createOIDCProvider),
			wire.Signed("DeleteOpenIDConnectProvider", deleteOIDCProviderShape, s.deleteOIDCProvider).On(providerARN),
			wire.Signed("GetOpenIDConnectProvider", getOIDCProviderShape, s.getOIDCProvider).On(providerARN),
			wire.Signed("ListOpenIDConnectProviders", wire.Struct{}, s.listOIDCProviders),
			wire.Signed("RemoveClientIDFromOpenIDConnectProvider", removeClientIDShape, s.removeClientID).On(providerARN),
			wire.Signed("UpdateOpenIDConnectProviderThumbprint", updateThumbprintShape, s.updateThumbprint).On(providerARN),
		},
		Admit: s.Limits.Admit,
		Authenticate: func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error) {
			return s.Broker.Authenticate(ctx, "iam", window, r, body)
		},
		Authorize: s.authorize,
	}
}

// providerARN is the provider that an operation works on.
func providerARN(_ idpool.Caller, text func(string) string) string {
	return text("OpenIDConnectProviderArn")
}

// faults are the names and statuses of behaviour 9.1.
var faults = wire.Faults{
	idpool.Internal:     wire.ServerFault("ServiceFailure"),
	idpool.Unavailable:  wire.ServerFault("ServiceFailure").Saying("The store does not answer. Try again."),
	idpool.Malformed:    wire.ClientFault("ValidationError"),
	idpool.Invalid:      wire.ClientFault("InvalidInput"),
	idpool.NotFound:     wire.ClientFault("NoSuchEntity").With(404),
	idpool.Exists:       wire.ClientFault("EntityAlreadyExists").With(409),
	idpool.Limit:        wire.ClientFault("LimitExceeded").With(409),
	idpool.Changed:      wire.ClientFault("ConcurrentModification").With(409),
	idpool.AccessDenied: wire.ClientFault("AccessDenied").With(403),
	idpool.Throttled:    wire.ClientFault("Throttling").Saying("Rate exceeded"),

	idpool.MissingAuthentication: wire.ClientFault("MissingAuthenticationToken").With(403).Saying("Request is missing Authentication Token"),
	idpool.IncompleteSignature:   wire.ClientFault("IncompleteSignature"),
	idpool.InvalidSignature:      wire.ClientFault("SignatureDoesNotMatch").With(403),
	idpool.UnknownAccessKey:      wire.ClientFault("InvalidClientTokenId").With(403),
	idpool.UnknownSession:        wire.ClientFault("InvalidClientTokenId").With(403).Saying("The security token included in the request is invalid"),
	idpool.ExpiredSession:        wire.ClientFault("ExpiredToken").With(403),
}

// provider reads the provider that an ARN names, inside a transaction. An ARN
// of another account is as unknown as one that does not exist.
func provider(ctx context.Context, r idpool.Reader, caller idpool.Caller, arn string) (idpool.OIDCProvider, error) {
	account, name, ok := idpool.ParseProviderARN(arn)
	if !ok {
		return idpool.OIDCProvider{}, idpool.Errorf(idpool.Invalid, "Invalid ARN of an OpenIDConnect provider: %s", arn)
	}
	missing := idpool.Errorf(idpool.NotFound, "OpenIDConnect Provider not found for arn %s", arn)
	if account != caller.Account {
		return idpool.OIDCProvider{}, missing
	}
	p, err := r.OIDCProvider(ctx, account, name)
	if idpool.IsNotFound(err) {
		err = missing
	}
	return p, err
}

// changeProvider changes a provider in a transaction.
func (s *Service) changeProvider(ctx context.Context, caller idpool.Caller, arn string, change func(*idpool.OIDCProvider) error) (wire.Empty, error) {
	err := s.Store.Update(ctx, func(w idpool.Writer) error {
		p, err := provider(ctx, w, caller, arn)
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		return w.PutOIDCProvider(ctx, p)
	})
	if err == nil {
		s.Directory.ProvidersChanged(caller.Account)
	}
	return wire.Empty{}, err
}
