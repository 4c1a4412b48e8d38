#!/usr/bin/env bash
# Measures all that docs/performance.md reports, and prints it as Markdown; what
# each part is and how long it took goes to standard error. Run by "make bench-all".
#
#   FILL=1000000        people in the embedded store at last
#   DATABASE_FILL=…     people in PostgreSQL at last: the same, at most a million
#   DATA=DIR            folder on the disk to be measured; it takes 1 kB a person
#   DATABASE_URL=…      a PostgreSQL server; without it one is started where there is one
#   TIME=2s CLIENTS=64 PEOPLE=16000
#                       of each measurement
set -euo pipefail
cd "$(dirname "$0")/.."
fill=${FILL:-1000000}
on_database=${DATABASE_FILL:-$((fill < 1000000 ? fill : 1000000))}
work=$(mktemp -d "${DATA:-${TMPDIR:-/tmp}}/idpool-bench-all-XXXXXX")
flags=(--clients "${CLIENTS:-64}" --people "${PEOPLE:-16000}" --time "${TIME:-2s}" --output markdown --data "$work")
moto=
stop_database=:
trap 'kill $moto 2>/dev/null || :; $stop_database; rm -rf "$work"' EXIT

part() {
	local begun=$SECONDS
	printf '## %s\n\n' "$1"
	shift
	"$@"
	echo "bench-all: $((SECONDS - begun)) s for: $*" >&2
}
left_out() { printf '%s\n\n' "$1"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# as_owner runs a program of PostgreSQL, which does not run as root.
as_owner() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }

# database starts a PostgreSQL server that is as durable as a real one, and sets url.
database() {
	local programs port=
	url=${DATABASE_URL:-}
	[ -z "$url" ] || return 0
	programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -1)
	[ -x "$programs/initdb" ] || programs=$(pg_config --bindir 2>/dev/null) || return 1
	[ -x "$programs/initdb" ] || return 1
	chmod 755 "$work" && mkdir "$work/postgres"
	[ "$(id -u)" != 0 ] || chown postgres "$work/postgres"
	port=$(free_port)
	as_owner "$programs/initdb" -D "$work/postgres" -U idpool -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
	as_owner "$programs/pg_ctl" start -s -w -D "$work/postgres" -l "$work/postgres/log" \
		-o "-p $port -k $work/postgres -c listen_addresses=127.0.0.1 -c shared_buffers=1GB -c max_wal_size=4GB -c max_connections=400"
	stop_database="as_owner $programs/pg_ctl stop -s -m immediate -D $work/postgres"
	url=postgres://idpool@127.0.0.1:$port/postgres
	PATH=$programs:$PATH
}

part "The embedded store" bin/idpool bench "${flags[@]}" --fill "$fill" --grow --plots docs/plots
if database; then
	part "PostgreSQL" bin/idpool bench "${flags[@]}" --fill "$on_database" --grow --plots docs/plots --database-url "$url"
else
	left_out "PostgreSQL is left out: it is not here (apt-get install postgresql)."
fi
if command -v moto_server >/dev/null; then
	port=$(free_port)
	moto_server -H 127.0.0.1 -p "$port" >/dev/null 2>&1 &
	moto=$!
	for _ in {1..300}; do (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
	part "Beside moto $(python3 -c 'from importlib.metadata import version; print(version("moto"))' 2>/dev/null)" \
		bin/idpool bench "${flags[@]}" --pools 100 --against "http://127.0.0.1:$port"
else
	left_out "moto is left out: it is not here (pip install 'moto[server]')."
fi
