package idpool_test

import (
	"context"
	"testing"

	"idpool/internal/idpool"
)

// TestSAMLProviderByARN: a provider is of the own account, and named to the
// letter.
func TestSAMLProviderByARN(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	corp := idpool.SAMLProvider{Account: account, Name: "Corp", Metadata: "<m/>", Created: start, ValidUntil: start}
	foreign := corp
	foreign.Account = "444455556666"
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.PutSAMLProvider(ctx, corp) })
	update(t, store, func(ctx context.Context, w idpool.Writer) error { return w.PutSAMLProvider(ctx, foreign) })
	for arn, want := range map[string]bool{
		corp.ARN(): true, "arn:aws-cn:iam::" + account + ":saml-provider/Corp": true,
		foreign.ARN(): false, "arn:aws:iam::" + account + ":saml-provider/corp": false, "arn:aws:iam::" + account + ":saml-provider/path/Corp": false,
		"arn:aws:iam::" + account + ":saml-provider/gone": false, "arn:aws:iam::" + account + ":role/Corp": false, "no ARN at all": false, "": false,
	} {
		err := store.View(t.Context(), func(r idpool.Reader) error {
			got, err := idpool.SAMLProviderByARN(t.Context(), r, account, arn)
			if err == nil && (got.Account != account || got.Name != "Corp") {
				t.Errorf("%q is %+v", arn, got)
			}
			return err
		})
		if (err == nil) != want || err != nil && !idpool.IsNotFound(err) {
			t.Errorf("%q: %v", arn, err)
		}
	}
}
