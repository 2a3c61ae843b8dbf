"""The command ``openreplay-otel``: one file a command, loaded when it is called."""
