#!/usr/bin/env bash
# Builds the release twice, from copies of the commit in two folders with other
# names and times, the second time with an empty build cache, and fails unless
# the binaries are the same byte for byte. ARCHS says for which machines.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commit=$(git rev-parse HEAD)
for copy in one another/folder; do
	mkdir -p "$work/$copy/src"
	git archive HEAD | tar -x -m -C "$work/$copy/src"
	[ "$copy" = one ] || export GOCACHE=$work/cache
	NO_BOM=1 "$work/$copy/src/tools/release.sh" v0.0.0-test "$commit" "$work/$copy/dist" >/dev/null
done
diff "$work/one/dist/SHA256SUMS" "$work/another/folder/dist/SHA256SUMS"
[ -s "$work/one/dist/SHA256SUMS" ] || { echo "nothing was built" >&2; exit 1; }
echo "the same from both folders:"
cat "$work/one/dist/SHA256SUMS"
