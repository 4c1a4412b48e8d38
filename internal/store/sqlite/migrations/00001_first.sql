-- +goose Up
CREATE TABLE pool (
	id       TEXT   NOT NULL PRIMARY KEY,
	account  TEXT   NOT NULL,
	region   TEXT   NOT NULL,
	name     TEXT   NOT NULL,
	config   TEXT   NOT NULL,
	version  BIGINT NOT NULL,
	created  BIGINT NOT NULL,
	modified BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX pool_by_account ON pool (account, region, created, id, name);

CREATE TABLE deleted_pool (
	id TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE identity (
	id          TEXT   NOT NULL PRIMARY KEY,
	pool        TEXT   NOT NULL,
	disabled    BIGINT NOT NULL,
	merged_into TEXT   NOT NULL,
	created     BIGINT NOT NULL,
	modified    BIGINT NOT NULL,
	guest_seen  BIGINT
) WITHOUT ROWID;
CREATE INDEX identity_by_pool ON identity (pool, id);
CREATE INDEX identity_idle_guest ON identity (guest_seen) WHERE guest_seen IS NOT NULL;

-- The primary key is invariant I1: a login leads to one identity.
CREATE TABLE login (
	pool     TEXT NOT NULL,
	provider TEXT NOT NULL,
	subject  TEXT NOT NULL,
	identity TEXT NOT NULL,
	PRIMARY KEY (pool, provider, subject)
) WITHOUT ROWID;
CREATE INDEX login_by_identity ON login (identity);

CREATE TABLE oidc_provider (
	account TEXT   NOT NULL,
	name    TEXT   NOT NULL,
	url     TEXT   NOT NULL,
	config  TEXT   NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (account, name)
) WITHOUT ROWID;

-- Roles, users, managed policies and SAML providers. The name is folded, so
-- that two which differ in case only are one.
CREATE TABLE iam_entity (
	account TEXT NOT NULL,
	kind    TEXT NOT NULL,
	name    TEXT NOT NULL,
	body    TEXT NOT NULL,
	PRIMARY KEY (account, kind, name)
) WITHOUT ROWID;

CREATE TABLE access_key (
	id        TEXT   NOT NULL PRIMARY KEY,
	account   TEXT   NOT NULL,
	user_name TEXT   NOT NULL,
	inactive  BIGINT NOT NULL,
	secret    BLOB   NOT NULL,
	created   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_key_by_account ON access_key (account);

CREATE TABLE signing_key (
	id          TEXT   NOT NULL PRIMARY KEY,
	private     BLOB   NOT NULL,
	certificate BLOB   NOT NULL,
	created     BIGINT NOT NULL,
	use_from    BIGINT NOT NULL
) WITHOUT ROWID;
