"""Sessions of OpenReplay: ids, tokens, start time and links (contract: id and token of the tracker).

Pure: no clock is read, nothing is logged, and no value of a token is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from .errors import InvalidSessionError, SettingsError

MAX_ID: Final = 2**64 - 1
TOKEN_GRACE_MS: Final = 10 * 60 * 1000
"""A token that expired longer ago than this is no session."""
PLAUSIBLE_AGE_MS: Final = 30 * 24 * 60 * 60 * 1000
"""A session that began longer ago than this before a record is taken for a made-up id."""
CLOCK_TOLERANCE_MS: Final = 10 * 60 * 1000
"""How far a session may seem to begin after a record: clocks differ."""

LONGEST_VALUE: Final = 200
"""Characters of an id or a token, blanks around it included; what is longer is neither, and is not looked at."""

_ID_EPOCH_MS: Final = 1_550_000_000_000
_ID_SEQUENCE_BITS: Final = 24
_DECIMAL_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_TOKEN: Final = re.compile(
    r"(?P<id>[0-9a-z]{1,13})"
    r"(?:\.(?P<delay>-?[0-9a-z]{1,13}))?"
    r"\.(?P<expiry>[0-9a-z]{1,13})"
    r"\.(?P<signature>[1-9A-HJ-NP-Za-km-z]{1,64})",
    re.ASCII,
)
_BASE36: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def session_id_or_none(text: str) -> str | None:
    """Read a decimal session id; never raises.

    Args:
        text: Any text, white space around it is ignored.

    Returns:
        The id as OpenReplay writes it (1 to 2^64-1, ASCII digits, no leading zero), or None.
    """
    if len(text) > LONGEST_VALUE:
        return None
    text = text.strip()
    if not _DECIMAL_ID.fullmatch(text) or text[0] == "0" or int(text) > MAX_ID:
        return None
    return text


def started_at_ms(session_id: str | int) -> int:
    """Unix milliseconds at which a session began, read from its id: ``(id >> 24) + 1550000000000``."""
    return (int(session_id) >> _ID_SEQUENCE_BITS) + _ID_EPOCH_MS


def first_id_at(unix_ms: int) -> int:
    """The smallest id of a session that began at a time or later; 0 for a time before there were any."""
    return max(0, unix_ms - _ID_EPOCH_MS) << _ID_SEQUENCE_BITS


def is_plausible(session_id: str, at_ms: int) -> bool:
    """Tell whether a session of this id could have been going on at a time.

    Args:
        session_id: A decimal id.
        at_ms: Unix milliseconds; a record's time, or the present.

    Returns:
        True where the session began at most 30 days before and 10 minutes after ``at_ms``.
    """
    return -CLOCK_TOLERANCE_MS <= at_ms - started_at_ms(session_id) <= PLAUSIBLE_AGE_MS


@dataclass(frozen=True, slots=True)
class SessionToken:
    """The content of a session token; the token itself is not kept.

    Attributes:
        session_id: Decimal id.
        delay_ms: Clock delay in milliseconds, may be negative; None in tokens of three parts.
        expires_at_ms: Unix milliseconds.
        is_signature_valid: The result of the check, or None where no secret was given.
    """

    session_id: str
    delay_ms: int | None
    expires_at_ms: int
    is_signature_valid: bool | None

    @classmethod
    def parse_or_none(cls, text: str, *, secret: str | None = None) -> SessionToken | None:
        """Read a token of four parts (``id.delay.expiry.signature``) or of three; never raises.

        Args:
            text: Any text, white space around it is ignored.
            secret: The OpenReplay server's token secret; without it the signature is not checked.
        """
        if len(text) > LONGEST_VALUE:
            return None
        text = text.strip()
        match = _TOKEN.fullmatch(text)
        if match is None:
            return None
        number = int(match["id"], 36)
        if not 0 < number <= MAX_ID:
            return None
        delay = match["delay"]
        return cls(
            session_id=str(number),
            delay_ms=None if delay is None else int(delay, 36),
            expires_at_ms=int(match["expiry"], 36),
            is_signature_valid=None if secret is None else _is_signed(text, secret),
        )


def session_id_from_request(
    text: str, *, now_ms: int, token_secret: str | None = None, takes_ids: bool = True
) -> str | None:
    """Read the session id out of a header's value: a decimal id, or a token; never raises.

    Args:
        text: The value as the client sent it.
        now_ms: The present in Unix milliseconds, against which a token's expiry is held.
        token_secret: The OpenReplay server's secret; where given, a token signed otherwise counts
            for nothing. A bare id stays the client's claim in any case.
        takes_ids: Whether a bare id counts.

    Returns:
        The decimal id, or None for anything else, a token expired over ten minutes ago included.
    """
    session_id = session_id_or_none(text)
    if session_id is not None:
        return session_id if takes_ids else None
    token = SessionToken.parse_or_none(text, secret=token_secret)
    if token is None or token.is_signature_valid is False:
        return None
    return token.session_id if token.expires_at_ms + TOKEN_GRACE_MS >= now_ms else None


@dataclass(frozen=True, slots=True)
class Session:
    """One session, known by its id.

    Attributes:
        id: Decimal id, a string: it is larger than what a float or JavaScript keeps exactly.
    """

    id: str

    def __post_init__(self) -> None:
        """Refuse what is no id.

        Raises:
            InvalidSessionError: ``id`` is not a decimal session id.
        """
        if session_id_or_none(self.id) != self.id:
            raise InvalidSessionError(_expected("A session id"))

    @classmethod
    def parse(cls, text: str) -> Session:
        """Read what a person pastes: a decimal id, a token (expired or not), or a replay link.

        Raises:
            InvalidSessionError: It is none of these. The message does not repeat the text, which may
                hold a credential.
        """
        text = text.strip()
        session_id = session_id_or_none(text)
        if session_id is None and "/" in text:
            session_id = _id_from_link(text)
        if session_id is None:
            token = SessionToken.parse_or_none(text)
            session_id = None if token is None else token.session_id
        if session_id is None:
            raise InvalidSessionError(_expected(f"The given text ({len(text)} characters)"))
        return cls(session_id)

    @property
    def started_at_ms(self) -> int:
        """Unix milliseconds at which the session began, by OpenReplay's server clock."""
        return started_at_ms(self.id)

    @property
    def started_at(self) -> datetime:
        """When the session began (aware, UTC)."""
        return _EPOCH + timedelta(milliseconds=self.started_at_ms)

    def replay_url(self, app_url: str, project_id: int | str, at: datetime | None = None) -> str:
        """Link to the recording.

        Args:
            app_url: Address of the OpenReplay dashboard, ``https://openreplay.example.com``.
            project_id: The project's number, as in the dashboard's own links.
            at: An aware moment to jump to; before the session's start counts as its start.

        Raises:
            SettingsError: ``app_url`` is no http(s) address, ``project_id`` is no positive number, or
                ``at`` has no time zone.
        """
        url = replay_url_base(app_url, project_id) + self.id
        if at is None:
            return url
        if at.tzinfo is None:
            message = "at: a datetime with a time zone was expected, for instance datetime.now(timezone.utc)"
            raise SettingsError(message)
        moment_ms = (at - _EPOCH) // timedelta(milliseconds=1)
        return f"{url}?jumpto={max(0, moment_ms - self.started_at_ms)}"


@lru_cache(maxsize=16)
def replay_url_base(app_url: str, project_id: int | str) -> str:
    """All of a replay link that comes before the session id.

    Raises:
        SettingsError: ``app_url`` is no http(s) address or ``project_id`` no positive number.
    """
    try:
        parts = urlsplit(app_url.strip())
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
        _ = parts.port  # raises where it is no number
    except ValueError:
        valid = False
    if not valid:
        message = "app_url: expected the address of the OpenReplay dashboard, such as https://openreplay.example.com"
        raise SettingsError(message)
    project = str(project_id).strip()
    if not (_DECIMAL_ID.fullmatch(project) and int(project) > 0):
        message = (
            f"project_id: expected the project's number, got {project[:40]!r};"
            " it stands in the dashboard's own links, <app url>/<project id>/sessions"
        )
        raise SettingsError(message)
    return f"{app_url.strip().split('?')[0].split('#')[0].rstrip('/')}/{int(project)}/session/"


def make_token(session_id: str, *, expires_at_ms: int, secret: str) -> str:
    """A token as OpenReplay's server makes them, for requests that test the way of a session.

    Args:
        session_id: Decimal id.
        expires_at_ms: Unix milliseconds.
        secret: The server's token secret; any text for one that nobody else takes for signed.
    """
    signed = f"{_base36(int(session_id))}.0.{_base36(expires_at_ms)}"
    return f"{signed}.{_signature(signed, secret)}"


def _expected(what: str) -> str:
    return (
        f"{what} is not a session: expected a decimal session id (such as 2618307011354435587),"
        " a session token, or the link of a recording (…/<project>/session/<id>)"
    )


def _id_from_link(text: str) -> str | None:
    try:
        parts = urlsplit(text).path.split("/")
    except ValueError:
        return None
    # The last one: the dashboard may stand under a path that has such a part itself.
    for marker, value in reversed(list(pairwise(parts))):
        if marker == "session":
            return session_id_or_none(value)
    return None


def _is_signed(token: str, secret: str) -> bool:
    signed, _, signature = token.rpartition(".")
    return hmac.compare_digest(_signature(signed, secret), signature)


def _signature(signed: str, secret: str) -> str:
    return _base58(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, remainder = divmod(number, 36)
        digits = _BASE36[remainder] + digits
    return digits or "0"


def _base58(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, remainder = divmod(number, 58)
        digits.append(_BASE58[remainder])
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return _BASE58[0] * leading_zeros + "".join(reversed(digits))
