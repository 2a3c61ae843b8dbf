"""Flask-SocketIO: events of a connection."""

from __future__ import annotations

import sys

from flask import Flask
from flask_socketio import SocketIO, emit

from tests.frameworks.apps import shop

app = Flask(__name__)
socketio = SocketIO(app, async_mode="threading")
for path, action in shop.ACTIONS.items():
    socketio.on_event(path[1:], action)


@socketio.on("stream")
def stream(number):
    """Several messages."""
    for part in shop.stream(number):
        emit("part", part)


if __name__ == "__main__":
    socketio.run(app, "127.0.0.1", int(sys.argv[1]), allow_unsafe_werkzeug=True)
