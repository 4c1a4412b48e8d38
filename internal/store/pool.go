package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"idpool/internal/idpool"
)

const (
	selectPool        = `SELECT account, region, name, config, version, created, modified FROM pool WHERE id = $1`
	selectPoolVersion = `SELECT version FROM pool WHERE id = $1`
	selectPools       = `SELECT id, name, created FROM pool WHERE account = $1 AND region = $2 ORDER BY created, id`
	selectSomePools   = `SELECT id FROM pool ORDER BY id LIMIT $1`
	insertPool        = `INSERT INTO pool (id, account, region, name, config, version, created, modified) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	updatePool        = `UPDATE pool SET name = $2, config = $3, version = $4, modified = $5 WHERE id = $1 AND version + 1 = $4`
	deletePool        = `DELETE FROM pool WHERE id = $1`

	selectDeletedPools = `SELECT id FROM deleted_pool ORDER BY id`
	insertDeletedPool  = `INSERT INTO deleted_pool (id) VALUES ($1)`
	deleteDeletedPool  = `DELETE FROM deleted_pool WHERE id = $1`
)

// poolConfig is what of a pool is read and written whole.
type poolConfig struct {
	AllowUnauthenticated    bool                       `json:"allowUnauthenticated"`
	AllowClassicFlow        *bool                      `json:"allowClassicFlow,omitempty"`
	SupportedLoginProviders map[string]string          `json:"supportedLoginProviders,omitempty"`
	DeveloperProviderName   string                     `json:"developerProviderName,omitempty"`
	OIDCProviderARNs        []string                   `json:"oidcProviderARNs,omitempty"`
	UserPools               []userPoolClient           `json:"userPools,omitempty"`
	SAMLProviderARNs        []string                   `json:"samlProviderARNs,omitempty"`
	Roles                   map[idpool.RoleType]string `json:"roles"` // null: never set
	RoleMappings            map[string]roleMapping     `json:"roleMappings,omitempty"`
	AttributeMaps           map[string]attributeMap    `json:"attributeMaps,omitempty"`
	Tags                    map[string]string          `json:"tags,omitempty"`
}

type roleMapping struct {
	Type      idpool.MappingType   `json:"type"`
	Ambiguous idpool.AmbiguousRole `json:"ambiguous"`
	Rules     []mappingRule        `json:"rules,omitempty"`
}

type mappingRule struct {
	Claim string           `json:"claim"`
	Match idpool.MatchType `json:"match"`
	Value string           `json:"value"`
	Role  string           `json:"role"`
}

type attributeMap struct {
	UseDefaults bool              `json:"useDefaults"`
	Tags        map[string]string `json:"tags"`
}

type userPoolClient struct {
	ProviderName         string `json:"providerName"`
	ClientID             string `json:"clientId"`
	ServerSideTokenCheck bool   `json:"serverSideTokenCheck,omitempty"`
}

func encodePool(p idpool.Pool) ([]byte, error) {
	c := poolConfig{
		AllowUnauthenticated: p.AllowUnauthenticated, AllowClassicFlow: p.AllowClassicFlow,
		SupportedLoginProviders: p.SupportedLoginProviders, DeveloperProviderName: p.DeveloperProviderName,
		OIDCProviderARNs: p.OIDCProviderARNs, SAMLProviderARNs: p.SAMLProviderARNs, Roles: p.Roles, Tags: p.Tags,
	}
	for _, u := range p.UserPools {
		c.UserPools = append(c.UserPools, userPoolClient(u))
	}
	for key, m := range p.RoleMappings {
		held := roleMapping{Type: m.Type, Ambiguous: m.Ambiguous}
		for _, r := range m.Rules {
			held.Rules = append(held.Rules, mappingRule(r))
		}
		set(&c.RoleMappings, key, held)
	}
	for key, m := range p.AttributeMaps {
		set(&c.AttributeMaps, key, attributeMap(m))
	}
	return json.Marshal(c)
}

func decodePool(p *idpool.Pool, text []byte) error {
	var c poolConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("configuration of pool %s: %w", p.ID, err)
	}
	p.AllowUnauthenticated, p.AllowClassicFlow = c.AllowUnauthenticated, c.AllowClassicFlow
	p.SupportedLoginProviders, p.DeveloperProviderName = c.SupportedLoginProviders, c.DeveloperProviderName
	p.OIDCProviderARNs, p.SAMLProviderARNs, p.Roles, p.Tags = c.OIDCProviderARNs, c.SAMLProviderARNs, c.Roles, c.Tags
	for _, u := range c.UserPools {
		p.UserPools = append(p.UserPools, idpool.UserPoolClient(u))
	}
	for key, held := range c.RoleMappings {
		m := idpool.RoleMapping{Type: held.Type, Ambiguous: held.Ambiguous}
		for _, r := range held.Rules {
			m.Rules = append(m.Rules, idpool.MappingRule(r))
		}
		set(&p.RoleMappings, key, m)
	}
	for key, held := range c.AttributeMaps {
		set(&p.AttributeMaps, key, idpool.AttributeMap(held))
	}
	return nil
}

// set puts an entry into a map that may be nil.
func set[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// Pool implements idpool.Reader.
func (t Tx) Pool(ctx context.Context, id idpool.PoolID) (idpool.Pool, error) {
	p := idpool.Pool{ID: id}
	var region string
	var config []byte
	var created, modified int64
	err := t.one(ctx, "pool", selectPool, []any{string(id)}, &p.Account, &region, &p.Name, &config, &p.Version, &created, &modified)
	if err != nil {
		return idpool.Pool{}, err
	}
	p.Created, p.Modified = moment(created), moment(modified)
	return p, decodePool(&p, config)
}

// PoolVersion implements idpool.Reader.
func (t Tx) PoolVersion(ctx context.Context, id idpool.PoolID) (version int64, err error) {
	err = t.one(ctx, "pool", selectPoolVersion, []any{string(id)}, &version)
	return version, err
}

// Pools implements idpool.Reader.
func (t Tx) Pools(ctx context.Context, account, region string) (list []idpool.PoolSummary, err error) {
	err = t.each(ctx, selectPools, []any{account, region}, func(r Rows) error {
		var id string
		var created int64
		var s idpool.PoolSummary
		err := r.Scan(&id, &s.Name, &created)
		s.ID, s.Created = idpool.PoolID(id), moment(created)
		list = append(list, s)
		return err
	})
	return list, err
}

// DeletedPools implements idpool.Reader.
func (t Tx) DeletedPools(ctx context.Context) ([]idpool.PoolID, error) {
	return t.poolIDs(ctx, selectDeletedPools)
}

// SomePools implements idpool.Reader.
func (t Tx) SomePools(ctx context.Context, limit int) ([]idpool.PoolID, error) {
	return t.poolIDs(ctx, selectSomePools, limit)
}

func (t Tx) poolIDs(ctx context.Context, sql string, args ...any) (list []idpool.PoolID, err error) {
	err = t.each(ctx, sql, args, func(r Rows) error {
		var id string
		err := r.Scan(&id)
		list = append(list, idpool.PoolID(id))
		return err
	})
	return list, err
}

// CreatePool implements idpool.Writer.
func (t Tx) CreatePool(ctx context.Context, p idpool.Pool) error {
	config, err := encodePool(p)
	if err != nil {
		return err
	}
	_, err = t.Q.Exec(ctx, insertPool, string(p.ID), p.Account, p.ID.Region(), p.Name, string(config), p.Version, p.Created.UnixMilli(), p.Modified.UnixMilli())
	return err
}

// UpdatePool implements idpool.Writer.
func (t Tx) UpdatePool(ctx context.Context, p idpool.Pool) error {
	config, err := encodePool(p)
	if err != nil {
		return err
	}
	n, err := t.Q.Exec(ctx, updatePool, string(p.ID), p.Name, string(config), p.Version, p.Modified.UnixMilli())
	if err != nil || n == 1 {
		return err
	}
	if _, err := t.PoolVersion(ctx, p.ID); err != nil {
		return err
	}
	return idpool.Errorf(idpool.Changed, "The identity pool was changed by somebody else. Try again.")
}

// DeletePool implements idpool.Writer.
func (t Tx) DeletePool(ctx context.Context, id idpool.PoolID) error {
	n, err := t.Q.Exec(ctx, deletePool, string(id))
	if err == nil && n == 0 {
		return errMissing("pool")
	}
	if err == nil {
		_, err = t.Q.Exec(ctx, insertDeletedPool, string(id))
	}
	return err
}

// PurgeIdentities implements idpool.Writer.
func (t Tx) PurgeIdentities(ctx context.Context, id idpool.PoolID, limit int) (int, error) {
	gone, err := t.identityIDs(ctx, selectIdentityIDs, string(id), limit)
	for i := 0; err == nil && i < len(gone); i++ {
		if err = t.Q.Later(ctx, nil, deleteLogins, string(gone[i])); err == nil {
			err = t.Q.Later(ctx, nil, deleteIdentity, string(gone[i]))
		}
	}
	if err == nil && len(gone) < limit {
		err = t.Q.Later(ctx, nil, deleteDeletedPool, string(id))
	}
	return len(gone), err
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
