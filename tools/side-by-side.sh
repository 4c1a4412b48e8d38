#!/usr/bin/env bash
# Builds an older commit and has one of the three servers of the fire test be
# that program, on the database that the newer two bring forward.
#   side-by-side.sh COMMIT DURATION
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 2 ] || { echo "side-by-side: which release? BEFORE=v0.1.0, or any commit" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
git archive "$1" | tar -x -m -C "$work/src"
make -s -C "$work/src" build VERSION="$1" COMMIT="$(git rev-parse "$1")" >/dev/null
cd compat
IDPOOL_BIN_BEFORE=$work/src/bin/idpool go test -count=1 -timeout 2h ./fire -run TestFire -fire="$2" -v
