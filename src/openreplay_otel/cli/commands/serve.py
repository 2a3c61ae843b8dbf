"""``openreplay-otel serve``: the page, on this machine."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import webbrowser
from importlib.util import find_spec
from typing import Annotated, Any, Final

import typer

from ...errors import OpenReplayError, SettingsError
from ...lookup.session_logs import SessionLogs
from ...settings import Settings, variable
from ..options import (
    ApiKeyOption,
    AppUrlOption,
    CaCertsOption,
    IndexOption,
    ProjectIdOption,
    StoreOption,
)
from ..output import note

HELP: Final = """Show sessions and their logs as a page in the browser.

The page only reads. It is served to this machine alone; on another address it asks for a token, which is
made and shown where none is given, or it is behind a proxy that signs people in.

\b
Examples:
  openreplay-otel serve --open
  openreplay-otel serve --store https://elasticsearch.example.com:9200
  openreplay-otel serve --app-url https://replay.example.com --project-id 1
  openreplay-otel serve --host 0.0.0.0 --allow-host logs.example.com
  openreplay-otel serve --host 10.0.0.7 --proxy 10.0.0.1 --allow-host logs.example.com
"""
LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8700
_NEEDED: Final = ("starlette", "jinja2", "uvicorn")


def serve(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of this machine to listen at.")
    ] = LOOPBACK,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="NUMBER", help="Its port; 0: any that is free.")
    ] = PORT,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What people have to give. Better set as a variable: other users of this machine can see"
            " a command's arguments.  [env: OPENREPLAY_OTEL_VIEWER_TOKEN]",
            show_default=False,
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESSES",
            help="Answer these addresses only: those from which a proxy connects that signs people in. No"
            " token is asked for then.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Further host names by which browsers may call the page.",
            show_default=False,
        ),
    ] = None,
    open_browser: Annotated[
        bool,
        typer.Option(
            "--open", help="Open the browser. Where a token is needed, the page asks for it."
        ),
    ] = False,
    replay_lead: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS",
            help="How long before a record its link into the recording begins."
            "  [env: OPENREPLAY_OTEL_REPLAY_LEAD; default: 5]",
            show_default=False,
        ),
    ] = None,
    store: StoreOption = None,
    api_key: ApiKeyOption = None,
    ca_certs: CaCertsOption = None,
    index: IndexOption = None,
    app_url: AppUrlOption = None,
    project_id: ProjectIdOption = None,
) -> None:
    """Serve the page until Ctrl-C.

    Raises:
        SettingsError: An option cannot be used.
        OpenReplayError: The port is taken, or what the page needs is not installed.
    """
    settings = Settings.load_for_command(
        store=store, api_key=api_key, ca_certs=ca_certs, index=index, app_url=app_url,
        project_id=project_id, viewer_token=token, replay_lead=replay_lead,
    )  # fmt: skip
    serve_page(
        settings, host=host, port=port, proxy=proxy, allow_host=allow_host, opens=open_browser
    )


def check_installed() -> None:
    """Tell what to install where the page's libraries are missing.

    Raises:
        OpenReplayError: They are.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise OpenReplayError(
            f"the page needs {', '.join(missing)}: pip install 'openreplay-otel[viewer]'"
        )


def serve_page(
    settings: Settings,
    *,
    host: str = LOOPBACK,
    port: int = PORT,
    proxy: str | None = None,
    allow_host: str | None = None,
    opens: bool = False,
) -> None:
    """Serve the page until Ctrl-C; says where on stderr.

    Args:
        settings: The store, and what links need.
        host: Address to listen at.
        port: Its port.
        proxy: A comma list of addresses, or None.
        allow_host: A comma list of names, or None.
        opens: Whether the browser is opened.

    Raises:
        SettingsError: An argument cannot be used.
        OpenReplayError: The port is taken, or what the page needs is not installed.
    """
    check_installed()
    _check_token_variable(settings)
    from ...viewer import create_app, open_socket, serve_app
    from ...viewer.access import Access, host_names, is_loopback, proxy_addresses

    proxies = frozenset[str]() if proxy is None else proxy_addresses(proxy)
    token = settings.viewer_token
    is_made = token is None and not proxies and not is_loopback(host)
    if is_made:
        token = secrets.token_urlsafe(24)
    names = frozenset[str]() if allow_host is None else host_names(allow_host)
    access = Access(address=host, names=names, token=token, proxies=proxies)
    with SessionLogs(settings=settings) as lookup:
        app = create_app(lookup, access)
        listening = open_socket(host, port)
        address = _address(listening.getsockname(), host, names)
        # A token of one's own is shown nowhere.
        link = f"{address}?token={token}" if is_made else address
        note(f"{lookup.store.name} is shown at {link}", "Ctrl-C ends it.")
        if opens:
            # Without the token: whoever has an account on this machine can read a browser's command line.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        # Ctrl-C is the way to end it, hence no failure.
        with contextlib.suppress(KeyboardInterrupt):
            serve_app(app, listening)


def _check_token_variable(settings: Settings) -> None:
    """Refuse a blank variable: who sets it wants a token, and an unset secret leaves it blank.

    Raises:
        SettingsError: It is blank, and no token was given otherwise.
    """
    name = variable("viewer_token")
    if settings.viewer_token is None and name in os.environ:
        raise SettingsError(
            f"token: {name} is blank; set a token of 16 characters or more, or unset the variable"
        )


def _address(bound: Any, host: str, names: frozenset[str]) -> str:
    """What to type into a browser."""
    shown, port = str(bound[0]), int(bound[1])
    if shown in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        shown = min(names, default=LOOPBACK)
    elif host == "localhost":
        shown = host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
