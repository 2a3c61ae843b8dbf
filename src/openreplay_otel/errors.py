"""The errors of this package, in one tree.

::

    OpenReplayError
    ├── InvalidSessionError (ValueError)      not an id, a token or a replay link
    ├── SettingsError (ValueError)            an argument that cannot be used
    └── StoreError                            anything about a store
        ├── StoreUnavailableError             out of reach for now: worth another try
        ├── StoreAccessError                  refused: credentials, privileges, certificate
        └── StoreLayoutError                  there, but not as this package needs it

No message ever holds a token, a password or an API key.
"""

from __future__ import annotations


class OpenReplayError(Exception):
    """Whatever this package raises on purpose."""


class InvalidSessionError(OpenReplayError, ValueError):
    """A text that is no decimal session id, session token or replay link."""


class SettingsError(OpenReplayError, ValueError):
    """An argument of the wrong form; the message names it, what was expected and what to do."""


class StoreError(OpenReplayError):
    """A store could not do what was asked; the message is one sentence for a person."""


class StoreUnavailableError(StoreError):
    """The store does not answer, or answers that it is busy: trying again may help.

    Args:
        message: One sentence for a person.
        retry_after: Seconds that the server asked to wait, where it did.
        too_large: True where the server refused the request for its size (413).
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, too_large: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.too_large = too_large


class StoreAccessError(StoreError):
    """The store refused: wrong credentials, a missing privilege, an untrusted certificate."""


class StoreLayoutError(StoreError):
    """The store answers, but its version, index, mapping or file is not one to work with.

    Args:
        message: One sentence for a person.
        is_bad_request: True where the store could make nothing of what was sent (400).
    """

    def __init__(self, message: str, *, is_bad_request: bool = False) -> None:
        super().__init__(message)
        self.is_bad_request = is_bad_request
