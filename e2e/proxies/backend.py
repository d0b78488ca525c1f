"""A plain API: it believes the proxy before it, and says what it got, as JSON.

Usage: backend.py PORT. Header names are read as CGI does (RFC 3875 4.1.18), like WSGI and PHP: a hyphen and an underscore are one.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {}
        for name, value in self.headers.items():
            name = "HTTP_" + name.upper().replace("-", "_")
            headers[name] = headers[name] + "," + value if name in headers else value
        body = json.dumps({"method": self.command, "path": self.path, "headers": headers}).encode()
        self.send_response(200)
        self.send_header("X-Backend", "reached")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api)
print("listening", flush=True)
server.serve_forever()
