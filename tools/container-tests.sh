#!/usr/bin/env bash
# Tests the image in containers, and runs the whole bundled suite through HAProxy. The tests are a Go
# module of their own and need a container engine; where none answers, one line says so.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! docker info >/dev/null 2>&1; then
	echo "=== Skipped: the tests in containers (simulator/container): no container engine answers to \"docker info\""
	exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
arch=$(go env GOARCH)
go run ./tools/release image -o "$folder" -arch "$arch" -version test >/dev/null
docker load -q -i "$folder"/*"$arch".tar
tools/base-image.sh
export GATEHOUSE_IMAGE=gatehouse:test GATEHOUSE_NEIGHBOURS=gatehouse-neighbours:bookworm
cd simulator/container
go vet ./...
go tool -modfile=../../tools/gotestsum.mod gotestsum --format pkgname -- -race -timeout 9m ./...
