-- +goose Up
-- When a signing key was retired by hand; 0 if it was not.
ALTER TABLE signing_key ADD COLUMN retired BIGINT NOT NULL DEFAULT 0;
