"""A gateway that answers every GET."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = f"{os.environ.get('FLY_REGION', 'nowhere')}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # of connections that nobody has accepted; 5 is little for a gateway


Server(("", int(os.environ.get("PORT", "8080"))), Gateway).serve_forever()
