#!/usr/bin/env bash
# Makes sure that the container engine has the base image that the tests' real load balancers come
# in: Debian with HAProxy and nginx. Where debootstrap is, no image has to be pulled: it is made of the
# packages of this machine's own sources.
set -euo pipefail
name=gatehouse-neighbours:bookworm

docker image inspect "$name" >/dev/null 2>&1 && exit 0
if ! command -v debootstrap >/dev/null; then
	docker build -q -t "$name" - >/dev/null <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends haproxy nginx-light && rm -rf /var/lib/apt/lists/*
END
	echo "built the image $name"
	exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)
debootstrap --variant=minbase --include=haproxy,nginx-light,ca-certificates bookworm "$folder/root" "$mirror" >"$folder/log" 2>&1 || {
	echo "debootstrap failed:"
	tail -n 5 "$folder/log"
	exit 1
}
tar -C "$folder/root" -c . | docker import - "$name" >/dev/null
echo "made the image $name"
