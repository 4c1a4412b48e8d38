package compat

import (
	"cmp"
	"errors"
	"regexp"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// statuses are those of behaviour 8.2 and 9.1. Everything else is 400.
var statuses = map[string]int{
	"NoSuchEntity": 404, "EntityAlreadyExists": 409, "LimitExceeded": 409, "DeleteConflict": 409,
	"AccessDenied": 403, "InvalidClientTokenId": 403, "SignatureDoesNotMatch": 403, "MissingAuthenticationToken": 403, "ExpiredToken": 403,
}

var requestID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// refused holds that a call failed with a modelled error, in the SDK's type for
// it, and with exactly this text.
func refused[E smithy.APIError](t *testing.T, err error, text string) {
	t.Helper()
	typed, ok := errors.AsType[E](err)
	if !ok {
		t.Errorf("got %v, want a %T: %s", err, typed, text)
		return
	}
	checkRefusal(t, err, typed, text)
}

// unmodelled holds that a call failed with an error that the service model does
// not have, such as those of the framework.
func unmodelled(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[*smithy.GenericAPIError](err)
	if !ok || e.Code != code {
		t.Errorf("got %v, want %s: %s", err, code, text)
		return
	}
	checkRefusal(t, err, e, text)
}

// invalid holds that a call failed because its input breaks constraints.
func invalid(t *testing.T, err error, violations ...string) {
	t.Helper()
	text := "1 validation error detected: "
	if n := len(violations); n > 1 {
		text = string(rune('0'+n)) + " validation errors detected: "
	}
	code := "ValidationException"
	if e, ok := errors.AsType[*smithy.GenericAPIError](err); ok && e.Code == "ValidationError" {
		code = "ValidationError" // of the Query protocol
	}
	unmodelled(t, err, code, text+strings.Join(violations, "; "))
}

func checkRefusal(t *testing.T, err error, e smithy.APIError, text string) {
	t.Helper()
	if e.ErrorMessage() != text {
		t.Errorf("%s says\n %q, want\n %q", e.ErrorCode(), e.ErrorMessage(), text)
	}
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok {
		t.Errorf("%v came without an answer", err)
		return
	}
	if want := cmp.Or(statuses[e.ErrorCode()], 400); answer.HTTPStatusCode() != want {
		t.Errorf("%s has status %d, want %d", e.ErrorCode(), answer.HTTPStatusCode(), want)
	}
	if !requestID.MatchString(answer.ServiceRequestID()) {
		t.Errorf("%s has request ID %q", e.ErrorCode(), answer.ServiceRequestID())
	}
}
