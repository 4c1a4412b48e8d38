-- +goose Up
-- Every string is BYTEA: it is kept and compared byte for byte, a NUL included.
-- TEXT holds no NUL, and sorts as a library says that differs between machines.
CREATE TABLE pool (
	id       BYTEA  NOT NULL PRIMARY KEY,
	account  BYTEA  NOT NULL,
	region   BYTEA  NOT NULL,
	name     BYTEA  NOT NULL,
	config   BYTEA  NOT NULL,
	version  BIGINT NOT NULL,
	created  BIGINT NOT NULL,
	modified BIGINT NOT NULL
);
CREATE INDEX pool_by_account ON pool (account, region, created, id, name);

CREATE TABLE deleted_pool (
	id BYTEA NOT NULL PRIMARY KEY
);

CREATE TABLE identity (
	id          BYTEA  NOT NULL PRIMARY KEY,
	pool        BYTEA  NOT NULL,
	disabled    BIGINT NOT NULL,
	merged_into BYTEA  NOT NULL,
	created     BIGINT NOT NULL,
	modified    BIGINT NOT NULL,
	guest_seen  BIGINT
);
CREATE INDEX identity_by_pool ON identity (pool, id);
CREATE INDEX identity_idle_guest ON identity (guest_seen) WHERE guest_seen IS NOT NULL;

-- The primary key is invariant I1: a login leads to one identity.
CREATE TABLE login (
	pool     BYTEA NOT NULL,
	provider BYTEA NOT NULL,
	subject  BYTEA NOT NULL,
	identity BYTEA NOT NULL,
	PRIMARY KEY (pool, provider, subject)
);
CREATE INDEX login_by_identity ON login (identity);

CREATE TABLE oidc_provider (
	account BYTEA  NOT NULL,
	name    BYTEA  NOT NULL,
	url     BYTEA  NOT NULL,
	config  BYTEA  NOT NULL,
	created BIGINT NOT NULL,
	PRIMARY KEY (account, name)
);

-- Roles, users, managed policies and SAML providers. The name is folded, so
-- that two which differ in case only are one.
CREATE TABLE iam_entity (
	account BYTEA NOT NULL,
	kind    BYTEA NOT NULL,
	name    BYTEA NOT NULL,
	body    BYTEA NOT NULL,
	PRIMARY KEY (account, kind, name)
);

CREATE TABLE access_key (
	id        BYTEA  NOT NULL PRIMARY KEY,
	account   BYTEA  NOT NULL,
	user_name BYTEA  NOT NULL,
	inactive  BIGINT NOT NULL,
	secret    BYTEA  NOT NULL,
	created   BIGINT NOT NULL
);
CREATE INDEX access_key_by_account ON access_key (account);

CREATE TABLE signing_key (
	id          BYTEA  NOT NULL PRIMARY KEY,
	private     BYTEA  NOT NULL,
	certificate BYTEA  NOT NULL,
	created     BIGINT NOT NULL,
	use_from    BIGINT NOT NULL
);
