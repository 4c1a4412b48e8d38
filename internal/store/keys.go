package store

import (
	"context"
	"encoding/json"
	"fmt"

	"idpool/internal/idpool"
)

const (
	selectProvider  = `SELECT account, name, url, config, created FROM oidc_provider WHERE account = $1 AND name = $2`
	selectProviders = `SELECT account, name, url, config, created FROM oidc_provider WHERE account = $1 ORDER BY name`
	putProvider     = `INSERT INTO oidc_provider (account, name, url, config, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, name) DO UPDATE SET url = excluded.url, config = excluded.config, created = excluded.created`
	deleteProvider = `DELETE FROM oidc_provider WHERE account = $1 AND name = $2`

	selectAccessKey  = `SELECT id, account, user_name, inactive, secret, created FROM access_key WHERE id = $1`
	selectAccessKeys = `SELECT id, account, user_name, inactive, secret, created FROM access_key WHERE account = $1 ORDER BY id`
	everyAccessKey   = `SELECT id, account, user_name, inactive, secret, created FROM access_key WHERE id > $1 ORDER BY id LIMIT $2`
	putAccessKey     = `INSERT INTO access_key (id, account, user_name, inactive, secret, created) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET account = excluded.account, user_name = excluded.user_name, inactive = excluded.inactive,
		secret = excluded.secret, created = excluded.created`
	deleteAccessKey = `DELETE FROM access_key WHERE id = $1`

	selectSigningKeys = `SELECT id, private, certificate, created, use_from, retired FROM signing_key ORDER BY created, id`
	putSigningKey     = `INSERT INTO signing_key (id, private, certificate, created, use_from, retired) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET private = excluded.private, certificate = excluded.certificate, created = excluded.created, use_from = excluded.use_from,
		retired = excluded.retired`
)

// providerConfig is what of a provider is read and written whole.
type providerConfig struct {
	ClientIDs   []string          `json:"clientIds,omitempty"`
	Thumbprints []string          `json:"thumbprints,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

func (t Tx) providers(ctx context.Context, sql string, args ...any) (list []idpool.OIDCProvider, err error) {
	err = t.each(ctx, sql, args, func(r Rows) error {
		var p idpool.OIDCProvider
		var text []byte
		var created int64
		if err := r.Scan(&p.Account, &p.Name, &p.URL, &text, &created); err != nil {
			return err
		}
		var c providerConfig
		if err := json.Unmarshal(text, &c); err != nil {
			return fmt.Errorf("configuration of OIDC provider %s: %w", p.Name, err)
		}
		p.ClientIDs, p.Thumbprints, p.Tags, p.Created = c.ClientIDs, c.Thumbprints, c.Tags, moment(created)
		list = append(list, p)
		return nil
	})
	return list, err
}

// OIDCProvider implements idpool.Reader.
func (t Tx) OIDCProvider(ctx context.Context, account, name string) (idpool.OIDCProvider, error) {
	list, err := t.providers(ctx, selectProvider, account, name)
	if err == nil && len(list) == 0 {
		err = errMissing("OIDC provider")
	}
	if err != nil {
		return idpool.OIDCProvider{}, err
	}
	return list[0], nil
}

// OIDCProviders implements idpool.Reader.
func (t Tx) OIDCProviders(ctx context.Context, account string) ([]idpool.OIDCProvider, error) {
	return t.providers(ctx, selectProviders, account)
}

// PutOIDCProvider implements idpool.Writer.
func (t Tx) PutOIDCProvider(ctx context.Context, p idpool.OIDCProvider) error {
	text, err := json.Marshal(providerConfig{p.ClientIDs, p.Thumbprints, p.Tags})
	if err == nil {
		_, err = t.Q.Exec(ctx, putProvider, p.Account, p.Name, p.URL, string(text), p.Created.UnixMilli())
	}
	return err
}

// DeleteOIDCProvider implements idpool.Writer.
func (t Tx) DeleteOIDCProvider(ctx context.Context, account, name string) error {
	n, err := t.Q.Exec(ctx, deleteProvider, account, name)
	if err == nil && n == 0 {
		err = errMissing("OIDC provider")
	}
	return err
}

func (t Tx) accessKeys(ctx context.Context, sql string, args ...any) (list []idpool.AccessKey, err error) {
	err = t.each(ctx, sql, args, func(r Rows) error {
		var k idpool.AccessKey
		var inactive, created int64
		err := r.Scan(&k.ID, &k.Account, &k.User, &inactive, &k.Secret, &created)
		k.Inactive, k.Created = inactive != 0, moment(created)
		list = append(list, k)
		return err
	})
	return list, err
}

// AccessKey implements idpool.Reader.
func (t Tx) AccessKey(ctx context.Context, id string) (idpool.AccessKey, error) {
	list, err := t.accessKeys(ctx, selectAccessKey, id)
	if err == nil && len(list) == 0 {
		err = errMissing("access key")
	}
	if err != nil {
		return idpool.AccessKey{}, err
	}
	return list[0], nil
}

// AccessKeys implements idpool.Reader.
func (t Tx) AccessKeys(ctx context.Context, account string) ([]idpool.AccessKey, error) {
	return t.accessKeys(ctx, selectAccessKeys, account)
}

// EveryAccessKey implements idpool.Reader.
func (t Tx) EveryAccessKey(ctx context.Context, after string, limit int) ([]idpool.AccessKey, error) {
	return t.accessKeys(ctx, everyAccessKey, after, limit)
}

// PutAccessKey implements idpool.Writer.
func (t Tx) PutAccessKey(ctx context.Context, k idpool.AccessKey) error {
	_, err := t.Q.Exec(ctx, putAccessKey, k.ID, k.Account, k.User, flag(k.Inactive), k.Secret, k.Created.UnixMilli())
	return err
}

// DeleteAccessKey implements idpool.Writer.
func (t Tx) DeleteAccessKey(ctx context.Context, id string) error {
	n, err := t.Q.Exec(ctx, deleteAccessKey, id)
	if err == nil && n == 0 {
		err = errMissing("access key")
	}
	return err
}

// SigningKeys implements idpool.Reader.
func (t Tx) SigningKeys(ctx context.Context) (list []idpool.SigningKey, err error) {
	err = t.each(ctx, selectSigningKeys, nil, func(r Rows) error {
		var k idpool.SigningKey
		var created, useFrom, retired int64
		err := r.Scan(&k.ID, &k.Private, &k.Certificate, &created, &useFrom, &retired)
		k.Created, k.UseFrom = moment(created), moment(useFrom)
		if retired != 0 {
			k.Retired = moment(retired)
		}
		list = append(list, k)
		return err
	})
	return list, err
}

// PutSigningKey implements idpool.Writer.
func (t Tx) PutSigningKey(ctx context.Context, k idpool.SigningKey) error {
	retired := int64(0)
	if !k.Retired.IsZero() {
		retired = k.Retired.UnixMilli()
	}
	_, err := t.Q.Exec(ctx, putSigningKey, k.ID, k.Private, k.Certificate, k.Created.UnixMilli(), k.UseFrom.UnixMilli(), retired)
	return err
}
