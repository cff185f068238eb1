"""A real HTTP server on loopback that serves files as Google's storage does, and misbehaves on demand."""

import base64
import contextlib
import hashlib
import http.server
import re
import threading
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass
class Served:
    """What the server has, how it misbehaves, and what it was asked.

    Attributes:
        files: by path.
        faults: taken from the front, one a request: a status, ("break", bytes sent before the connection is cut),
            ("lie", bytes added to the promised length), ("damage",), ("wait", seconds for Retry-After) or None.
        ranges: it knows the header Range.
        names_versions: it sends an ETag.
        requests: (path, value of Range) of each request.
    """

    files: dict[str, bytes]
    faults: list = field(default_factory=list)
    ranges: bool = True
    names_versions: bool = True
    hashes: bool = True
    requests: list = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def serving(files):
    served = Served(files)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):
            path = unquote(self.path)
            served.requests.append((path, self.headers.get("Range")))
            fault = served.faults.pop(0) if served.faults else None
            if isinstance(fault, int):
                self.send_error(fault)
                return
            if path not in served.files:
                self.send_error(404)
                return
            kind, *values = fault or ("", 0)
            if kind == "wait":
                self.send_response(503)
                self.send_header("Retry-After", str(values[0]))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = served.files[path]
            digest = hashlib.md5(content)
            tag = f'"{digest.hexdigest()}"'
            start = 0
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked and served.ranges and self.headers.get("If-Range") in (None, tag):
                start = int(asked[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            body = content[start:]
            promised = len(body) + (values[0] if kind == "lie" else 0)
            self.send_header("Content-Length", str(promised))
            if served.names_versions:
                self.send_header("ETag", tag)
            if served.hashes:
                self.send_header("x-goog-hash", f"crc32c=AAAAAA==, md5={base64.b64encode(digest.digest()).decode()}")
            self.end_headers()
            if kind == "damage":
                body = bytes([body[0] ^ 1]) + body[1:]
            self.wfile.write(body[: values[0]] if kind == "break" else body)
            self.close_connection = True

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
