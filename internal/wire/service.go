package wire

import (
	"context"
	"net/http"
	"net/netip"

	"idpool/internal/idpool"
)

// Service is one AWS service: its operations, and how it words its errors.
type Service struct {
	Name      string // as in a signature's scope: cognito-identity, sts, iam
	Target    string // JSON protocol: what stands before the dot of X-Amz-Target
	Version   string // Query protocol: the API version
	Namespace string // Query protocol: the XML namespace of answers
	Faults    Faults
	Ops       []Op
	// Authenticate verifies the signature of a request over the body as
	// received.
	Authenticate func(ctx context.Context, r *http.Request, body []byte) (idpool.Caller, error)
	// Admit says whether one more request is taken now: of an account for a
	// signed operation, of a client address, with no account, for a public
	// one. nil: it is.
	Admit func(op, account string, client netip.Addr) error
	// Authorize says whether a caller may use a signed operation. nil: every
	// verified caller may.
	Authorize func(ctx context.Context, a Access) error
}

// Access is the wish of a caller to use a signed operation.
type Access struct {
	Caller   idpool.Caller
	Op       string
	Resource string // ARN, or "*"
	Input    Input  // fits the shape of the operation
	Client   netip.Addr
	Secure   bool // the request came over TLS
}

// op returns the operation of that name; nil if the service lacks it.
func (s *Service) op(name string) *Op {
	for i := range s.Ops {
		if s.Ops[i].Name == name {
			return &s.Ops[i]
		}
	}
	return nil
}

// framework faults are raised by the wire layer itself, before an operation
// runs. Each protocol has words of its own for them.
type framework struct {
	serialization, validation, unknownOperation Fault
}

// run is the part of the pipeline that both protocols share. body is what was
// received and signed, in what it says.
func (s *Service) run(ctx context.Context, r *http.Request, op *Op, body []byte, in value, words framework) (any, *failure) {
	ev := EventFrom(ctx)
	// 1. Who is calling. A public operation needs no signature, but a wrong
	// one is not ignored.
	var caller idpool.Caller
	if !op.Public || isSigned(r) {
		var err error
		if caller, err = s.Authenticate(ctx, r, body); err != nil {
			return nil, s.fail(err)
		}
		ev.Account, ev.Region, ev.AccessKey, ev.Principal = caller.Account, caller.Region, caller.AccessKeyID, caller.ARN
	}
	// 2. Whether there were too many already.
	if s.Admit != nil {
		account := caller.Account
		if op.Public {
			account = ""
		}
		if err := s.Admit(op.Name, account, ev.Client()); err != nil {
			return nil, s.fail(err)
		}
	}
	// 3. The types.
	if problem := op.Shape.fit(&in); problem != "" {
		return nil, &failure{Fault: words.serialization, msg: problem}
	}
	// 4. The constraints, all of them.
	var c checker
	op.Shape.check(&c, "", in)
	if msg := c.message(); msg != "" {
		return nil, &failure{Fault: words.validation, msg: msg}
	}
	// 5. Whether the caller may. Only now, as at AWS (behaviour 1.4).
	if !op.Public && s.Authorize != nil {
		access := Access{Caller: caller, Op: op.Name, Input: Input{in}, Client: ev.Client(), Secure: ev.Secure}
		access.Resource = op.ResourceOf(caller, access.Input.Text)
		if err := s.Authorize(ctx, access); err != nil {
			return nil, s.fail(err)
		}
	}
	// 6. The operation.
	out, err := op.call(ctx, caller, &in)
	if err != nil {
		return nil, s.fail(err)
	}
	return out, nil
}

// isSigned reports whether a request carries any part of a signature.
func isSigned(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	if r.URL.RawQuery == "" {
		return false
	}
	q := r.URL.Query()
	return q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm") || q.Has("X-Amz-Credential")
}

// failure is a fault with the words of one request.
type failure struct {
	Fault
	msg   string // for the client
	cause error  // for the operator
}

func (s *Service) fail(err error) *failure {
	fault, msg := s.Faults.of(err)
	return &failure{Fault: fault, msg: msg, cause: cause(err)}
}
