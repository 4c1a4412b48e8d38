package wire

import (
	"cmp"
	"errors"

	"idpool/internal/idpool"
)

// Fault is an error as a protocol says it.
type Fault struct {
	Code   string
	Status int
	Msg    string // when set, said instead of the error's own text

	early bool // raised by the framework, before an operation runs
}

// ClientFault is an error of the caller's making: status 400, final.
func ClientFault(code string) Fault { return Fault{Code: code, Status: 400} }

// ServerFault is an error of our making: status 500, worth a retry.
func ServerFault(code string) Fault { return Fault{Code: code, Status: 500} }

// With returns the fault with another status.
func (f Fault) With(status int) Fault {
	f.Status = status
	return f
}

// Saying returns the fault with a fixed message.
func (f Fault) Saying(msg string) Fault {
	f.Msg = msg
	return f
}

// Early marks a fault of the framework, which JSON clients see in the form of
// its error header and in the spelling of its message member (behaviour 1.3).
func (f Fault) Early() Fault {
	f.early = true
	return f
}

// Faults names the kinds of the domain in the words of one service. A kind
// that the table lacks is answered as Internal, which every table must have.
type Faults map[idpool.Kind]Fault

// of returns the fault of an error and the message to send with it. An error
// without a kind is ours; its text is never sent.
func (fs Faults) of(err error) (Fault, string) {
	kind := idpool.KindOf(err)
	fault, ok := fs[kind]
	if !ok || kind == idpool.Internal {
		return fs[idpool.Internal], "Internal error."
	}
	return fault, cmp.Or(fault.Msg, message(err))
}

// message is what an error says to the client.
func message(err error) string {
	if e, ok := errors.AsType[*idpool.Error](err); ok {
		return e.Msg
	}
	return ""
}

// cause is what an error says to the operator only: all of it if it has no
// kind, else what lies behind its message.
func cause(err error) error {
	if e, ok := errors.AsType[*idpool.Error](err); ok && e.Kind != idpool.Internal {
		return e.Cause
	}
	return err
}
