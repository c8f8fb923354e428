#!/bin/sh
# Builds the stock toxiproxy-server at a pinned version and prints where it is.
# Does nothing when it is there already. Ends with 3 and the reason where it cannot.
set -eu
version=v2.12.0
folder="${XDG_CACHE_HOME:-$HOME/.cache}/multi-region-sim/toxiproxy-$version"
binary="$folder/toxiproxy-server"
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
if ! command -v go >/dev/null 2>&1; then
    echo "no stock toxiproxy-server: Go (1.23 or later) is not installed to build it with" >&2
    exit 3
fi
mkdir -p "$folder"
if ! GOBIN="$folder" GOFLAGS=-mod=mod go install "github.com/Shopify/toxiproxy/v2/cmd/server@$version" >&2; then
    echo "no stock toxiproxy-server: 'go install' failed (see above)" >&2
    exit 3
fi
mv "$folder/server" "$binary"
echo "$binary"
