"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where the records lie: sqlite:///path.db or http(s)://[user:password@]host:9200."
        "  [env: OPENREPLAY_OTEL_STORE; default: logs.db in the user's state folder]",
        show_default=False,
    ),
]
CollectorOption = Annotated[
    str | None,
    typer.Option(
        "--collector",
        metavar="URL",
        help="OpenTelemetry Collector to send to instead: http(s)://host:4318, or grpc(s)://host:4317."
        "  [env: OPENREPLAY_OTEL_COLLECTOR]",
        show_default=False,
    ),
]
ApiKeyOption = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        help="API key for Elasticsearch. Better given as a variable: other users of this machine can"
        " see a command's arguments.  [env: OPENREPLAY_OTEL_API_KEY]",
        show_default=False,
    ),
]
CaCertsOption = Annotated[
    str | None,
    typer.Option(
        "--ca-certs",
        metavar="FILE",
        help="Authority that signed Elasticsearch's certificate (PEM)."
        "  [env: OPENREPLAY_OTEL_CA_CERTS]",
        show_default=False,
    ),
]
IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        metavar="PREFIX",
        help="Prefix of the session indexes in Elasticsearch."
        "  [env: OPENREPLAY_OTEL_INDEX; default: openreplay-logs]",
        show_default=False,
    ),
]
AppUrlOption = Annotated[
    str | None,
    typer.Option(
        "--app-url",
        metavar="URL",
        help="Address of the OpenReplay dashboard, for links to recordings."
        "  [env: OPENREPLAY_OTEL_APP_URL]",
        show_default=False,
    ),
]
ProjectIdOption = Annotated[
    str | None,
    typer.Option(
        "--project-id",
        metavar="NUMBER",
        help="Number of the OpenReplay project, for links to recordings."
        "  [env: OPENREPLAY_OTEL_PROJECT_ID]",
        show_default=False,
    ),
]
LevelOption = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="LEVEL",
        help="Only records of at least this level: debug, info, warning, error.",
        show_default=False,
    ),
]
ServiceOption = Annotated[
    str | None,
    typer.Option(
        "--service", metavar="NAME", help="Only records of this service.", show_default=False
    ),
]
TextOption = Annotated[
    str | None,
    typer.Option(
        "--text",
        metavar="WORDS",
        help="Only records with all these words in message or exception; words in double quotes"
        " in this order.",
        show_default=False,
    ),
]
