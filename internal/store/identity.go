package store

import (
	"context"
	"slices"
	"time"

	"idpool/internal/idpool"
)

// An identity is read with its logins in one query: a row for each login, and
// one row with NULLs for an identity without any.
const (
	identityColumns = `i.id, i.pool, i.disabled, i.merged_into, i.created, i.modified, i.guest_seen, l.provider, l.subject`

	selectIdentity = `SELECT ` + identityColumns + ` FROM identity i LEFT JOIN login l ON l.identity = i.id
		WHERE i.id = $1`
	selectIdentityByLogin = `SELECT ` + identityColumns + ` FROM login k JOIN identity i ON i.id = k.identity LEFT JOIN login l ON l.identity = i.id
		WHERE k.pool = $1 AND k.provider = $2 AND k.subject = $3`
	selectLoginOwner = `SELECT identity FROM login WHERE pool = $1 AND provider = $2 AND subject = $3`
	selectIdentities = `SELECT ` + identityColumns + ` FROM (SELECT * FROM identity WHERE pool = $1 AND id > $2 ORDER BY id LIMIT $3) i
		LEFT JOIN login l ON l.identity = i.id ORDER BY i.id`
	selectIdentityIDs = `SELECT id FROM identity WHERE pool = $1 ORDER BY id LIMIT $2`

	selectIdleGuests = `SELECT id FROM identity WHERE guest_seen IS NOT NULL AND guest_seen < $1 ORDER BY guest_seen LIMIT $2`

	insertIdentity = `INSERT INTO identity (id, pool, disabled, merged_into, created, modified, guest_seen) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	updateIdentity = `UPDATE identity SET disabled = $2, merged_into = $3, modified = $4, guest_seen = $5 WHERE id = $1`
	deleteIdentity = `DELETE FROM identity WHERE id = $1`

	insertLogin  = `INSERT INTO login (pool, provider, subject, identity) VALUES ($1, $2, $3, $4)`
	deleteLogin  = `DELETE FROM login WHERE pool = $1 AND provider = $2 AND subject = $3 AND identity = $4`
	deleteLogins = `DELETE FROM login WHERE identity = $1`
)

// identities reads identities from rows that are sorted by identity.
func (t Tx) identities(ctx context.Context, sql string, args ...any) (list []idpool.Identity, err error) {
	var row struct { // together: a returning person waits for this
		id, pool, mergedInto        string
		disabled, created, modified int64
		seen                        *int64
		provider, subject           *string
	}
	dest := []any{&row.id, &row.pool, &row.disabled, &row.mergedInto, &row.created, &row.modified, &row.seen, &row.provider, &row.subject}
	err = t.each(ctx, sql, args, func(r Rows) error {
		if err := r.Scan(dest...); err != nil {
			return err
		}
		if len(list) == 0 || string(list[len(list)-1].ID) != row.id {
			list = append(list, idpool.Identity{
				ID: idpool.IdentityID(row.id), Pool: idpool.PoolID(row.pool), Disabled: row.disabled != 0, MergedInto: idpool.IdentityID(row.mergedInto),
				Created: moment(row.created), Modified: moment(row.modified),
			})
		}
		last := &list[len(list)-1]
		if row.seen != nil {
			last.Seen = moment(*row.seen)
		}
		if row.provider != nil && row.subject != nil {
			last.Logins = append(last.Logins, idpool.Login{Provider: *row.provider, Subject: *row.subject})
		}
		return nil
	})
	for i := range list {
		idpool.SortLogins(list[i].Logins) // here and not in the query, which needs no sorter then
	}
	return list, err
}

func only(list []idpool.Identity, err error) (idpool.Identity, error) {
	switch {
	case err != nil:
		return idpool.Identity{}, err
	case len(list) == 0:
		return idpool.Identity{}, errMissing("identity")
	}
	return list[0], nil
}

// Identity implements idpool.Reader.
func (t Tx) Identity(ctx context.Context, id idpool.IdentityID) (idpool.Identity, error) {
	return only(t.identities(ctx, selectIdentity, string(id)))
}

// IdentityByLogin implements idpool.Reader.
func (t Tx) IdentityByLogin(ctx context.Context, pool idpool.PoolID, l idpool.Login) (idpool.Identity, error) {
	return only(t.identities(ctx, selectIdentityByLogin, string(pool), l.Provider, l.Subject))
}

// LoginOwner implements idpool.Reader.
func (t Tx) LoginOwner(ctx context.Context, pool idpool.PoolID, l idpool.Login) (idpool.IdentityID, error) {
	var id string
	err := t.one(ctx, "login", selectLoginOwner, []any{string(pool), l.Provider, l.Subject}, &id)
	return idpool.IdentityID(id), err
}

// Identities implements idpool.Reader.
func (t Tx) Identities(ctx context.Context, pool idpool.PoolID, after idpool.IdentityID, limit int) ([]idpool.Identity, error) {
	return t.identities(ctx, selectIdentities, string(pool), string(after), limit)
}

// IdleGuests implements idpool.Reader.
func (t Tx) IdleGuests(ctx context.Context, before time.Time, limit int) ([]idpool.IdentityID, error) {
	return t.identityIDs(ctx, selectIdleGuests, before.UnixMilli(), limit)
}

func (t Tx) identityIDs(ctx context.Context, sql string, args ...any) (list []idpool.IdentityID, err error) {
	err = t.each(ctx, sql, args, func(r Rows) error {
		var id string
		err := r.Scan(&id)
		list = append(list, idpool.IdentityID(id))
		return err
	})
	return list, err
}

// CreateIdentity implements idpool.Writer.
func (t Tx) CreateIdentity(ctx context.Context, i idpool.Identity) error {
	err := t.Q.Later(ctx, nil, insertIdentity, string(i.ID), string(i.Pool), flag(i.Disabled), string(i.MergedInto), i.Created.UnixMilli(), i.Modified.UnixMilli(), guestSeen(i))
	if err != nil {
		return err
	}
	return t.link(ctx, i, i.Logins)
}

// UpdateIdentity implements idpool.Writer.
func (t Tx) UpdateIdentity(ctx context.Context, i idpool.Identity) error {
	held, err := t.Identity(ctx, i.ID)
	if err != nil {
		return err
	}
	if err := t.Q.Later(ctx, nil, updateIdentity, string(i.ID), flag(i.Disabled), string(i.MergedInto), i.Modified.UnixMilli(), guestSeen(i)); err != nil {
		return err
	}
	for _, l := range held.Logins {
		if slices.Contains(i.Logins, l) {
			continue
		}
		if err := t.Q.Later(ctx, nil, deleteLogin, string(held.Pool), l.Provider, l.Subject, string(i.ID)); err != nil {
			return err
		}
	}
	return t.link(ctx, held, slices.DeleteFunc(slices.Clone(i.Logins), held.Has))
}

func (t Tx) link(ctx context.Context, i idpool.Identity, logins []idpool.Login) error {
	clash := idpool.Errorf(idpool.Conflict, "Logins are already linked to another account.")
	for _, l := range logins {
		if err := t.Q.Later(ctx, clash, insertLogin, string(i.Pool), l.Provider, l.Subject, string(i.ID)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteIdentity implements idpool.Writer.
func (t Tx) DeleteIdentity(ctx context.Context, id idpool.IdentityID) error {
	if err := t.Q.Later(ctx, nil, deleteLogins, string(id)); err != nil {
		return err
	}
	n, err := t.Q.Exec(ctx, deleteIdentity, string(id))
	if err == nil && n == 0 {
		return errMissing("identity")
	}
	return err
}

// guestSeen is NULL for all but guests, so that the index of idle guests holds
// nobody else.
func guestSeen(i idpool.Identity) any {
	switch {
	case !i.Guest():
		return nil
	case i.Seen.IsZero():
		return i.Modified.UnixMilli()
	}
	return i.Seen.UnixMilli()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
