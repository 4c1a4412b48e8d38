#!/usr/bin/env bash
# Makes the secrets of this setup, once, in .env, readable by its owner only.
set -euo pipefail
cd "$(dirname "$0")"
[ ! -e .env ] || { echo ".env is there already; it stays as it is"; exit 0; }
umask 077
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }
letters() { LC_ALL=C tr -dc "$1" </dev/urandom | head -c "$2" || true; } # head ends the pipe
{
	echo "POSTGRES_PASSWORD=$(letters A-Za-z0-9 32)"
	echo "IDPOOL_MASTER_KEY=$(random 32)"
	echo "IDPOOL_ROOT_ACCESS_KEY_ID=AKIA$(letters A-Z2-7 16)"
	echo "IDPOOL_ROOT_SECRET_ACCESS_KEY=$(random 30)"
} >.env.new
mv .env.new .env
echo "made .env: keep it, without the master key the database cannot be read"
