#!/bin/sh
# dropped.sh FOLDER [all]: timed.py in a network of its own, where a rule drops what goes to the first
# of a name's two addresses. What the world's silence is held against.
set -eu
here=$(dirname "$0")
printf '127.0.0.2 gateway.test\n127.0.0.3 gateway.test\n' > "$1/hosts"
mount --bind "$1/hosts" /etc/hosts
ip link set lo up
iptables -A INPUT -d 127.0.0.2 -j DROP
mkdir -p "$1/www" && echo fine > "$1/www/healthz"
"$PYTHON" -m http.server 8480 --bind 127.0.0.3 --directory "$1/www" > /dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
until curl -s -o /dev/null http://127.0.0.3:8480/; do :; done
"$PYTHON" "$here/timed.py" "$1" http://gateway.test:8480/healthz ${2:-}
