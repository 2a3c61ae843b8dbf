"""What a cluster's answers mean, and a transport's errors: sentences for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ...errors import StoreAccessError, StoreError, StoreLayoutError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRY_AGAIN_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})


class Response(NamedTuple):
    """An answer of Elasticsearch with a status below 300, or one that the caller asked to see."""

    status: int
    body: Any


class Advice(NamedTuple):
    """What mends a cluster's refusals: it depends on where its address came from.

    Attributes:
        credentials: What to do where they are not accepted.
        authority: Where the authority of the server's certificate is named.
    """

    credentials: str
    authority: str


class Answers:
    """Judges the answers of one cluster.

    Args:
        name: The cluster's hosts, without credentials.
        advice: What mends its refusals.
    """

    def __init__(self, name: str, advice: Advice) -> None:
        self._name = name
        self._advice = advice

    def response(
        self,
        status: int,
        headers: Mapping[str, str],
        body: object,
        *,
        expected: tuple[int, ...],
        has_credentials: bool,
    ) -> Response:
        """The answer where it is a good one.

        Args:
            status: HTTP status.
            headers: Its headers.
            body: Its body, parsed.
            expected: Statuses of 300 and more that are good.
            has_credentials: Whether the request had any.

        Raises:
            StoreUnavailableError: It asks to come again (429, 5xx, 413).
            StoreAccessError: Refused: 401, 403.
            StoreLayoutError: Any other status, or not Elasticsearch.
        """
        if 200 <= status < 300:
            # Of each: a proxy's page may come in between.
            if headers.get("x-elastic-product") != "Elasticsearch":
                raise StoreLayoutError(self._not_elasticsearch())
        elif status not in expected:
            raise self._status_error(status, headers, body, has_credentials=has_credentials)
        return Response(status, body)

    def transport_error(self, error: Exception) -> StoreError:
        """What a transport's error is to the caller."""
        from elastic_transport import TlsError

        if isinstance(error, TlsError):
            return StoreAccessError(self._tls_sentence(error))
        return StoreUnavailableError(self._transport_sentence(error))

    def _status_error(
        self, status: int, headers: Mapping[str, str], answer: object, *, has_credentials: bool
    ) -> StoreError:
        kind, reason = error_of(answer)
        if status == 401:
            who = "they are wrong" if has_credentials else "no credentials were given"
            return StoreAccessError(
                f"{self._name} does not accept the credentials ({who}): {self._advice.credentials}"
            )
        if status == 403:
            return StoreAccessError(
                f"{self._name} refuses, a privilege is missing: {reason or kind}"
            )
        if status == 413:
            return StoreUnavailableError(
                f"{self._name} refuses the request for its size", too_large=True
            )
        if status in _TRY_AGAIN_STATUSES:
            return StoreUnavailableError(
                f"{self._name} answers {status} {kind}: {reason}".rstrip(": "),
                retry_after=_retry_after(headers),
            )
        if headers.get("x-elastic-product") != "Elasticsearch":
            return StoreLayoutError(self._not_elasticsearch())
        return StoreLayoutError(
            f"{self._name} answers {status} {kind}: {reason}".rstrip(": "),
            is_bad_request=status == 400,
        )

    def _not_elasticsearch(self) -> str:
        return (
            f"{self._name} answers, but is not Elasticsearch 8 or 9 (no X-Elastic-Product header):"
            " check the address, and that no proxy takes this header away"
        )

    def _tls_sentence(self, error: Exception) -> str:
        text = _whole_text(error)
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return (
                f"the certificate of {self._name} is not trusted: name its authority with"
                f" {self._advice.authority}"
            )
        if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return f"{self._name} does not speak TLS: try http:// instead of https://"
        return f"no TLS connection to {self._name}: {text[:200]}"

    def _transport_sentence(self, error: Exception) -> str:
        name = type(error).__name__
        if "Timeout" in name:
            return f"{self._name} did not answer in time"
        text = _whole_text(error)
        if "refused" in text or "Connect call failed" in text:
            why = "nothing listens there (connection refused)"
        elif "resol" in text or "Name or service" in text or "getaddrinfo" in text:
            why = "the host's name cannot be resolved"
        elif "RemoteDisconnected" in text or "aborted" in text or "reset" in text:
            why = "the connection was closed: is it https:// rather than http://?"
        else:
            why = text[:200]
        return f"{self._name} cannot be reached: {why}"


def _whole_text(error: Exception) -> str:
    """The texts of a transport's error and of those that it was made of."""
    # Of a TLS error only its message says more than that it is one.
    causes = (getattr(error, "message", None), *getattr(error, "errors", ()), error.__cause__)
    return "; ".join([str(error), *(str(cause) for cause in causes if cause is not None)])


def error_of(answer: object) -> tuple[str, str]:
    """Type and reason of an error in an answer's body; empty where it has none.

    A value of the document that a reason shows is cut away: it is the app's.
    """
    if not isinstance(answer, dict):
        return "", answer[:200] if isinstance(answer, str) else ""
    error = cast("dict[str, object]", answer).get("error")
    if not isinstance(error, dict):
        return "", str(error or "")[:300]
    fields = cast("dict[str, object]", error)
    reason = str(fields.get("reason") or "") or _cause_of(fields)
    return str(fields.get("type") or ""), reason.partition("Preview of field's value")[0].strip()[
        :500
    ]


def _cause_of(error: dict[str, object]) -> str:
    """Why a search failed that gives no reason itself: shards that are away, or what failed in one."""
    cause = error.get("caused_by")
    if not isinstance(cause, dict):
        return ""
    reason = str(cast("dict[str, object]", cause).get("reason") or "")
    # The rest advises to take half of the answer for all of it.
    return reason.partition(" Consider using `allow_partial_search_results`")[0]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None
