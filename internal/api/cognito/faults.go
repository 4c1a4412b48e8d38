package cognito

import (
	"idpool/internal/idpool"
	"idpool/internal/wire"
)

// faults are the names of behaviour 1.3 and 1.6. Everything but a fault of
// ours is 400.
var faults = wire.Faults{
	idpool.Internal:      wire.ServerFault("InternalErrorException"),
	idpool.Unavailable:   wire.ServerFault("InternalErrorException").Saying("The store does not answer. Try again."),
	idpool.Invalid:       wire.ClientFault("InvalidParameterException"),
	idpool.NotFound:      wire.ClientFault("ResourceNotFoundException"),
	idpool.Conflict:      wire.ClientFault("ResourceConflictException"),
	idpool.Registered:    wire.ClientFault("DeveloperUserAlreadyRegisteredException"),
	idpool.NotAuthorized: wire.ClientFault("NotAuthorizedException"),
	idpool.AccessDenied:  wire.ClientFault("AccessDeniedException").Early(),
	idpool.Changed:       wire.ClientFault("ConcurrentModificationException"),
	idpool.Limit:         wire.ClientFault("LimitExceededException"),
	idpool.Throttled:     wire.ClientFault("TooManyRequestsException").Saying("Rate exceeded"),
	idpool.Misconfigured: wire.ClientFault("InvalidIdentityPoolConfigurationException"),
	idpool.Upstream:      wire.ClientFault("ExternalServiceException"),

	idpool.MissingAuthentication: wire.ClientFault("MissingAuthenticationTokenException").Saying("Missing Authentication Token"),
	idpool.IncompleteSignature:   wire.ClientFault("IncompleteSignatureException"),
	idpool.InvalidSignature:      wire.ClientFault("InvalidSignatureException"),
	idpool.UnknownAccessKey:      wire.ClientFault("UnrecognizedClientException"),
	idpool.UnknownSession:        wire.ClientFault("UnrecognizedClientException"),
	idpool.ExpiredSession:        wire.ClientFault("ExpiredTokenException"),
}
