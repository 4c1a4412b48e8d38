#!/usr/bin/env bash
# Builds a release into a folder: static binaries, a bill of materials for each,
# and their checksums. tools/release.sh VERSION COMMIT FOLDER
#
# The binaries depend on the sources, the version, the commit and the Go that
# builds them, and on nothing else. ARCHS, by default "amd64 arm64", says for
# which machines; NO_BOM leaves out the bills.
set -euo pipefail
version=$1 commit=$2 folder=$3
cd "$(dirname "$0")/.."
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -f "$folder"/idpool-* "$folder"/SHA256SUMS
for arch in ${ARCHS:-amd64 arm64}; do
	binary=$folder/idpool-linux-$arch
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X main.version=$version -X main.commit=$commit" -o "$binary" ./cmd/idpool
	[ -n "${NO_BOM:-}" ] || go tool -modfile=tools/go.mod cyclonedx-gomod bin -json -std -noserial -version "$version" -output "$binary.cdx.json" "$binary" 2>"$folder/bom.log" ||
		{ cat "$folder/bom.log" >&2; exit 1; }
	rm -f "$folder/bom.log"
done
(cd "$folder" && sha256sum idpool-* >SHA256SUMS && cat SHA256SUMS)
