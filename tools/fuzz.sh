#!/usr/bin/env bash
# Runs the fuzz targets of a package, or of all, for the time given each:
# tools/fuzz.sh 10s ./internal/wire
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}
package=${2:-.}
found=0

# fuzz runs one target. Now and then go test takes the end of the time itself for a
# failure: then there is no failing input, and its last word is about a deadline.
fuzz() {
	go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$time" >"$log" 2>&1 ||
		{ grep -q '^ *context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic|DATA RACE' "$log"; }
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=: read -r file target; do
	found=$((found + 1))
	echo "$(dirname "$file") $target"
	if ! fuzz "$(dirname "$file")" "$target"; then
		cat "$log" >&2
		exit 1
	fi
done < <(grep -rEo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]+' "./${package#./}" | sed 's/:func /:/' | sort)
[ "$found" -gt 0 ] || { echo "no fuzz target found in $package" >&2; exit 1; }
echo "$found fuzz targets, $time each: nothing found"
