#!/bin/sh
# Installs the servers of topologies/gateways at pinned versions and prints the folder that they are
# in: bin/ for PATH, and node_modules/ of each that is npm's. What is there already is left alone.
# What cannot be had is said, and the others are installed: their tests are skipped, not these.
set -u
gateways=$(cd "$(dirname "$0")/../../topologies/gateways" && pwd)
pins=$(cat "$0" "$gateways"/*/requirements.txt "$gateways"/*/package.json | cksum | cut -d ' ' -f 1)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/multi-region-sim/gateways-$pins"
mkdir -p "$folder/bin"

# had NAME COMMAND...: runs the command, once for all, and says what is missing where it fails.
had() {
    name=$1
    shift
    [ -e "$folder/.$name" ] && return
    if "$@" >"$folder/$name.log" 2>&1; then
        touch "$folder/.$name"
    else
        echo "no $name: '$*' failed, see $folder/$name.log" >&2
    fi
}

from_pypi() {
    [ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv" || return
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$gateways/$1/requirements.txt" &&
        ln -sf "$folder/venv/bin/$1" "$folder/bin/$1"
}

from_npm() {
    mkdir -p "$folder/$1" && cp "$gateways/$1/package.json" "$folder/$1/" &&
        npm install --prefix "$folder/$1" --no-audit --no-fund --silent
}

from_go() {
    GOBIN="$folder/bin" GOFLAGS=-mod=mod go install "$1"
}

from_debian() {
    dpkg -s "$@" >/dev/null 2>&1 && return
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

for server in uvicorn hypercorn daphne; do
    had $server from_pypi $server
done
for server in socket.io y-websocket; do
    had $server from_npm $server
done
had go-httpbin from_go github.com/mccutchen/go-httpbin/v2/cmd/go-httpbin@v2.26.0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    had debian from_debian mosquitto prosody nginx-light libnginx-mod-nchan websocketd
fi
echo "$folder"
