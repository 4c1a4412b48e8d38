package idpool_test

import (
	"errors"
	"fmt"
	"testing"

	"idpool/internal/idpool"
)

func TestKindOf(t *testing.T) {
	missing := idpool.Errorf(idpool.NotFound, "no %s", "pool")
	for name, c := range map[string]struct {
		err  error
		want idpool.Kind
	}{
		"nothing":                    {nil, idpool.Internal},
		"no kind":                    {errors.New("x"), idpool.Internal},
		"its own":                    {missing, idpool.NotFound},
		"wrapped":                    {fmt.Errorf("look: %w", fmt.Errorf("again: %w", missing)), idpool.NotFound},
		"joined":                     {errors.Join(errors.New("x"), missing), idpool.NotFound},
		"with a cause":               {missing.Because(errors.New("x")), idpool.NotFound},
		"the outer one counts":       {idpool.Errorf(idpool.Unavailable, "x").Because(missing), idpool.Unavailable},
		"not the inner one":          {idpool.Errorf(idpool.NotAuthorized, "x").Because(fmt.Errorf("y: %w", missing)), idpool.NotAuthorized},
		"internal by its own":        {idpool.Errorf(idpool.Internal, "x").Because(missing), idpool.Internal},
		"only a text about NotFound": {fmt.Errorf("look: %v", missing), idpool.Internal},
	} {
		if got := idpool.KindOf(c.err); got != c.want {
			t.Errorf("%s: kind %d, want %d", name, got, c.want)
		}
		if got := idpool.IsNotFound(c.err); got != (c.want == idpool.NotFound) {
			t.Errorf("%s: IsNotFound = %t", name, got)
		}
	}
}

func TestCausesAreForTheOperator(t *testing.T) {
	cause := errors.New("disk full")
	plain := idpool.Errorf(idpool.Unavailable, "Try %d times.", 3)
	because := plain.Because(cause)
	if plain.Cause != nil || plain.Error() != "Try 3 times." {
		t.Errorf("Because changed the error it was called on: %v", plain)
	}
	if because.Msg != "Try 3 times." || because.Error() != "Try 3 times.: disk full" || !errors.Is(because, cause) {
		t.Errorf("message %q, whole %q", because.Msg, because)
	}
	if none := plain.Because(nil); none.Error() != "Try 3 times." || errors.Unwrap(none) != nil {
		t.Errorf("no cause: %q", none)
	}
}

// The texts that clients compare (behaviour 2.0, 2.7, 3.6).
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		err  *idpool.Error
		kind idpool.Kind
		text string
	}{
		{idpool.PoolNotFound("us-east-1:0-0"), idpool.NotFound, "IdentityPool 'us-east-1:0-0' not found."},
		{idpool.IdentityNotFound("us-east-1:0-0"), idpool.NotFound, "Identity 'us-east-1:0-0' not found."},
		{idpool.Forbidden("us-east-1:0-0"), idpool.NotAuthorized, "Access to Identity 'us-east-1:0-0' is forbidden."},
	} {
		if c.err.Kind != c.kind || c.err.Msg != c.text {
			t.Errorf("kind %d, %q; want %d, %q", c.err.Kind, c.err.Msg, c.kind, c.text)
		}
	}
}
