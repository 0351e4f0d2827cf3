"""Pages: a web site of its own on the loopback, that is, another origin than the server's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from typing_extensions import override

import javascript

CHATJS = javascript.HOME / "node_modules/amazon-connect-chatjs/dist/amazon-connect-chat.js"

HERE = Path(__file__).parent
SOFTPHONE = HERE.parents[1] / "src/ringfloor/softphone"

FILES = {
    "/chat.html": (HERE / "chat.html", "text/html"),
    "/line.html": (HERE / "line.html", "text/html"),
    "/sound.js": (SOFTPHONE / "sound.js", "text/javascript"),
    "/amazon-connect-chat.js": (CHATJS, "text/javascript"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = FILES.get(self.path)
        if found is None:
            self.send_error(404)
            return
        path, kind = found
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("content-type", f"{kind}; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    """A web site with the pages of FILES; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
