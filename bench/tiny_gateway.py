"""A gateway that starts at once, so that what is measured is the simulator: it answers any GET."""

import os
import socket

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def main() -> None:
    """Answer on $PORT, one after another."""
    with socket.create_server(("", int(os.environ["PORT"])), backlog=128) as server:
        while True:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(_ANSWER)


if __name__ == "__main__":
    main()
