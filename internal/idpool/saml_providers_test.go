package idpool_test

import (
	"context"
	"reflect"
	"testing"

	"idpool/internal/idpool"
)

// TestSAMLProvidersOfAPool: a pool trusts the providers that exist in its own
// account, named to the letter.
func TestSAMLProvidersOfAPool(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	d := idpool.NewDirectory(store)
	corp := idpool.SAMLProvider{Account: account, Name: "Corp", Metadata: "<m/>", Created: start, ValidUntil: start}
	foreign := corp
	foreign.Account = "444455556666"
	arns := []string{corp.ARN(), "arn:aws-cn:iam::" + account + ":saml-provider/Corp", foreign.ARN(), "arn:aws:iam::" + account + ":saml-provider/corp",
		"arn:aws:iam::" + account + ":saml-provider/path/Corp", "arn:aws:iam::" + account + ":role/Corp", "no ARN at all"}
	pool := createPool(t, store, func(p *idpool.Pool) { p.SAMLProviderARNs = arns })
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.PutSAMLProvider(ctx, foreign) })
	for _, want := range []map[string]idpool.SAMLProvider{{}, {arns[0]: corp, arns[1]: corp}, {}} {
		config, err := d.Pool(t.Context(), pool.ID)
		if err != nil || !reflect.DeepEqual(config.SAMLProviders, want) {
			t.Errorf("got %v (%v), want %v", config, err, want)
		}
		update(t, store, func(ctx context.Context, w idpool.Writer) error {
			if len(want) == 0 {
				return w.PutSAMLProvider(ctx, corp)
			}
			return w.DeleteSAMLProvider(ctx, account, corp.Name)
		})
		d.ProvidersChanged(account)
	}
}
