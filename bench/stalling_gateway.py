"""A gateway with a defect to be found: it answers one of its clients only after 1.5 s."""

import os
import socket
import time  # noqa: TID251 - a gateway knows no clock of ours

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_CHECK = b"GET /healthz"
_AT = 60
_STALL_S = 1.5


def main() -> None:
    """Answer on $PORT, one after another."""
    asked = 0
    with socket.create_server(("", int(os.environ["PORT"])), backlog=128) as server:
        while True:
            client, _ = server.accept()
            with client:
                asked += not client.recv(4096).startswith(_CHECK)
                if asked == _AT:
                    asked += 1
                    time.sleep(_STALL_S)
                client.sendall(_ANSWER)


if __name__ == "__main__":
    main()
