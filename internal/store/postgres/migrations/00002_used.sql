-- +goose Up
-- What may be used once, such as a SAML assertion at the STS, and was.
CREATE TABLE used (
	id    BYTEA  NOT NULL PRIMARY KEY,
	until BIGINT NOT NULL
);
CREATE INDEX used_until ON used (until);
