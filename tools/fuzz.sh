#!/usr/bin/env bash
# Runs the fuzz targets of a package, or of all, for the time given each:
# tools/fuzz.sh 10s ./internal/wire
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}
package=${2:-.}
found=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
while IFS=: read -r file target; do
	found=$((found + 1))
	echo "$(dirname "$file") $target"
	if ! go test "$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time" >"$log" 2>&1; then
		cat "$log" >&2
		exit 1
	fi
done < <(grep -rEo --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]+' "./${package#./}" | sed 's/:func /:/' | sort)
[ "$found" -gt 0 ] || { echo "no fuzz target found in $package" >&2; exit 1; }
echo "$found fuzz targets, $time each: nothing found"
