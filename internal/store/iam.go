package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"idpool/internal/idpool"
)

// Entities of IAM are read and written whole, so they are rows of one table: a
// kind, a folded name, and a body in JSON.
const (
	selectEntity   = `SELECT body FROM iam_entity WHERE account = $1 AND kind = $2 AND name = $3`
	selectEntities = `SELECT body FROM iam_entity WHERE account = $1 AND kind = $2 ORDER BY name`
	putEntity      = `INSERT INTO iam_entity (account, kind, name, body) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, kind, name) DO UPDATE SET body = excluded.body`
	deleteEntity = `DELETE FROM iam_entity WHERE account = $1 AND kind = $2 AND name = $3`
)

const (
	roleKind   = "role"
	userKind   = "user"
	policyKind = "policy"
	samlKind   = "saml-provider"
)

// The bodies. Times are milliseconds since 1970.
type (
	roleBody struct {
		Name        string            `json:"name"`
		Path        string            `json:"path"`
		ID          string            `json:"id"`
		Description string            `json:"description,omitempty"`
		Trust       string            `json:"trust"`
		MaxSession  int64             `json:"maxSession"` // seconds
		Inline      map[string]string `json:"inline,omitempty"`
		Attached    []string          `json:"attached,omitempty"`
		Tags        map[string]string `json:"tags,omitempty"`
		Created     int64             `json:"created"`
	}
	userBody struct {
		Name     string            `json:"name"`
		Path     string            `json:"path"`
		ID       string            `json:"id"`
		Inline   map[string]string `json:"inline,omitempty"`
		Attached []string          `json:"attached,omitempty"`
		Tags     map[string]string `json:"tags,omitempty"`
		Created  int64             `json:"created"`
	}
	policyBody struct {
		Name        string              `json:"name"`
		Path        string              `json:"path"`
		ID          string              `json:"id"`
		Description string              `json:"description,omitempty"`
		Versions    []policyVersionBody `json:"versions"`
		Default     string              `json:"default"`
		Made        int                 `json:"made"`
		Tags        map[string]string   `json:"tags,omitempty"`
		Created     int64               `json:"created"`
		Updated     int64               `json:"updated"`
	}
	policyVersionBody struct {
		ID       string `json:"id"`
		Document string `json:"document"`
		Created  int64  `json:"created"`
	}
	samlBody struct {
		Name       string            `json:"name"`
		ID         string            `json:"id"`
		Metadata   string            `json:"metadata"`
		ValidUntil int64             `json:"validUntil"`
		Tags       map[string]string `json:"tags,omitempty"`
		Created    int64             `json:"created"`
	}
)

func (b roleBody) entity(account string) idpool.Role {
	return idpool.Role{Account: account, Name: b.Name, Path: b.Path, ID: b.ID, Description: b.Description, Trust: b.Trust,
		MaxSession: time.Duration(b.MaxSession) * time.Second, Grants: idpool.Grants{Inline: b.Inline, Attached: b.Attached}, Tags: b.Tags, Created: moment(b.Created)}
}

func (b userBody) entity(account string) idpool.User {
	return idpool.User{Account: account, Name: b.Name, Path: b.Path, ID: b.ID, Grants: idpool.Grants{Inline: b.Inline, Attached: b.Attached}, Tags: b.Tags, Created: moment(b.Created)}
}

func (b policyBody) entity(account string) idpool.ManagedPolicy {
	p := idpool.ManagedPolicy{Account: account, Name: b.Name, Path: b.Path, ID: b.ID, Description: b.Description, Default: b.Default, Made: b.Made, Tags: b.Tags,
		Created: moment(b.Created), Updated: moment(b.Updated)}
	for _, v := range b.Versions {
		p.Versions = append(p.Versions, idpool.PolicyVersion{ID: v.ID, Document: v.Document, Created: moment(v.Created)})
	}
	return p
}

func (b samlBody) entity(account string) idpool.SAMLProvider {
	return idpool.SAMLProvider{Account: account, Name: b.Name, ID: b.ID, Metadata: b.Metadata, ValidUntil: moment(b.ValidUntil), Tags: b.Tags, Created: moment(b.Created)}
}

// body is how an entity of type E is kept.
type body[E any] interface{ entity(account string) E }

func entities[B body[E], E any](ctx context.Context, t Tx, account, kind, sql string, args ...any) (list []E, err error) {
	err = t.each(ctx, sql, append([]any{account, kind}, args...), func(r Rows) error {
		var text []byte
		if err := r.Scan(&text); err != nil {
			return err
		}
		var b B
		if err := json.Unmarshal(text, &b); err != nil {
			return fmt.Errorf("%s of account %s: %w", kind, account, err)
		}
		list = append(list, b.entity(account))
		return nil
	})
	return list, err
}

func entity[B body[E], E any](ctx context.Context, t Tx, account, kind, name string) (e E, err error) {
	list, err := entities[B](ctx, t, account, kind, selectEntity, idpool.FoldName(name))
	switch {
	case err != nil:
		return e, err
	case len(list) == 0:
		return e, errMissing(kind)
	}
	return list[0], nil
}

func (t Tx) putEntity(ctx context.Context, account, kind, name string, body any) error {
	text, err := json.Marshal(body)
	if err == nil {
		_, err = t.Q.Exec(ctx, putEntity, account, kind, idpool.FoldName(name), string(text))
	}
	return err
}

func (t Tx) deleteEntity(ctx context.Context, account, kind, name string) error {
	n, err := t.Q.Exec(ctx, deleteEntity, account, kind, idpool.FoldName(name))
	if err == nil && n == 0 {
		err = errMissing(kind)
	}
	return err
}

// Role implements idpool.Reader.
func (t Tx) Role(ctx context.Context, account, name string) (idpool.Role, error) {
	return entity[roleBody](ctx, t, account, roleKind, name)
}

// User implements idpool.Reader.
func (t Tx) User(ctx context.Context, account, name string) (idpool.User, error) {
	return entity[userBody](ctx, t, account, userKind, name)
}

// ManagedPolicy implements idpool.Reader.
func (t Tx) ManagedPolicy(ctx context.Context, account, name string) (idpool.ManagedPolicy, error) {
	return entity[policyBody](ctx, t, account, policyKind, name)
}

// SAMLProvider implements idpool.Reader.
func (t Tx) SAMLProvider(ctx context.Context, account, name string) (idpool.SAMLProvider, error) {
	return entity[samlBody](ctx, t, account, samlKind, name)
}

// Roles implements idpool.Reader.
func (t Tx) Roles(ctx context.Context, account string) ([]idpool.Role, error) {
	return entities[roleBody](ctx, t, account, roleKind, selectEntities)
}

// Users implements idpool.Reader.
func (t Tx) Users(ctx context.Context, account string) ([]idpool.User, error) {
	return entities[userBody](ctx, t, account, userKind, selectEntities)
}

// ManagedPolicies implements idpool.Reader.
func (t Tx) ManagedPolicies(ctx context.Context, account string) ([]idpool.ManagedPolicy, error) {
	return entities[policyBody](ctx, t, account, policyKind, selectEntities)
}

// SAMLProviders implements idpool.Reader.
func (t Tx) SAMLProviders(ctx context.Context, account string) ([]idpool.SAMLProvider, error) {
	return entities[samlBody](ctx, t, account, samlKind, selectEntities)
}

// PutRole implements idpool.Writer.
func (t Tx) PutRole(ctx context.Context, r idpool.Role) error {
	return t.putEntity(ctx, r.Account, roleKind, r.Name, roleBody{r.Name, r.Path, r.ID, r.Description, r.Trust, int64(r.MaxSession / time.Second),
		r.Inline, r.Attached, r.Tags, r.Created.UnixMilli()})
}

// PutUser implements idpool.Writer.
func (t Tx) PutUser(ctx context.Context, u idpool.User) error {
	return t.putEntity(ctx, u.Account, userKind, u.Name, userBody{u.Name, u.Path, u.ID, u.Inline, u.Attached, u.Tags, u.Created.UnixMilli()})
}

// PutManagedPolicy implements idpool.Writer.
func (t Tx) PutManagedPolicy(ctx context.Context, p idpool.ManagedPolicy) error {
	b := policyBody{Name: p.Name, Path: p.Path, ID: p.ID, Description: p.Description, Default: p.Default, Made: p.Made, Tags: p.Tags,
		Created: p.Created.UnixMilli(), Updated: p.Updated.UnixMilli()}
	for _, v := range p.Versions {
		b.Versions = append(b.Versions, policyVersionBody{v.ID, v.Document, v.Created.UnixMilli()})
	}
	return t.putEntity(ctx, p.Account, policyKind, p.Name, b)
}

// PutSAMLProvider implements idpool.Writer.
func (t Tx) PutSAMLProvider(ctx context.Context, p idpool.SAMLProvider) error {
	return t.putEntity(ctx, p.Account, samlKind, p.Name, samlBody{p.Name, p.ID, p.Metadata, p.ValidUntil.UnixMilli(), p.Tags, p.Created.UnixMilli()})
}

// DeleteRole implements idpool.Writer.
func (t Tx) DeleteRole(ctx context.Context, account, name string) error {
	return t.deleteEntity(ctx, account, roleKind, name)
}

// DeleteUser implements idpool.Writer.
func (t Tx) DeleteUser(ctx context.Context, account, name string) error {
	return t.deleteEntity(ctx, account, userKind, name)
}

// DeleteManagedPolicy implements idpool.Writer.
func (t Tx) DeleteManagedPolicy(ctx context.Context, account, name string) error {
	return t.deleteEntity(ctx, account, policyKind, name)
}

// DeleteSAMLProvider implements idpool.Writer.
func (t Tx) DeleteSAMLProvider(ctx context.Context, account, name string) error {
	return t.deleteEntity(ctx, account, samlKind, name)
}
