#!/bin/sh
# Builds Docker Compose v2 at a pinned version and prints where it is.
# Does nothing when it is there already. Ends with 3 and the reason where it cannot.
set -eu
version=v2.29.7
folder="${XDG_CACHE_HOME:-$HOME/.cache}/multi-region-sim/compose-$version"
binary="$folder/docker-compose"
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
if ! command -v go >/dev/null 2>&1; then
    echo "no Docker Compose v2: Go is not installed to build it with" >&2
    exit 3
fi
mkdir -p "$folder"
if ! GOBIN="$folder" GOFLAGS=-mod=mod go install "github.com/docker/compose/v2/cmd@$version" >&2; then
    echo "no Docker Compose v2: 'go install' failed (see above)" >&2
    exit 3
fi
mv "$folder/cmd" "$binary"
echo "$binary"
