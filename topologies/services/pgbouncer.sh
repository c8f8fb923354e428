#!/bin/sh
# pgbouncer in front of the world's database, for at most so many clients: sh pgbouncer.sh 24
# It knows no variables in its configuration, so that is written here: into the service's own folder,
# where it runs.
set -eu
PATH=$PATH:/usr/sbin

umask 077
cat >pgbouncer.ini <<END
[databases]
* = host=$DATABASE_HOST port=$DATABASE_PORT user=$DATABASE_USER password=$DATABASE_PASSWORD

[pgbouncer]
listen_addr = $HOST
listen_port = $PORT
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = $1
default_pool_size = 10
END
exec pgbouncer pgbouncer.ini
