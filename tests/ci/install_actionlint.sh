#!/bin/sh
# Builds actionlint at a pinned version and prints where it is.
# Does nothing when it is there already. Ends with 3 and the reason where it cannot.
set -eu
version=v1.7.7
folder="${XDG_CACHE_HOME:-$HOME/.cache}/multi-region-sim/actionlint-$version"
binary="$folder/actionlint"
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi
if ! command -v go >/dev/null 2>&1; then
    echo "no actionlint: Go is not installed to build it with" >&2
    exit 3
fi
mkdir -p "$folder"
if ! GOBIN="$folder" go install "github.com/rhysd/actionlint/cmd/actionlint@$version" >&2; then
    echo "no actionlint: 'go install' failed (see above)" >&2
    exit 3
fi
echo "$binary"
