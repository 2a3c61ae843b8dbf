"""A bare WSGI app, which no instrumentation knows of."""

from __future__ import annotations

import sys
from urllib.parse import parse_qs

from tests.frameworks.apps import shop


def app(environ, start_response):
    """Answer."""
    path, number = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"]).get("n", [""])[0]
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return shop.stream(number)
    action = shop.ACTIONS.get(path)
    if action is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no"]
    body = action(number).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    import signal
    import threading
    from wsgiref.simple_server import make_server

    server = make_server("127.0.0.1", int(sys.argv[1]), app)
    # In the middle of a request wsgiref takes the interrupt for an error of the app's, and goes on.
    signal.signal(signal.SIGINT, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
