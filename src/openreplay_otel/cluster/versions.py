"""The versions of OpenReplay that differ in what they read. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

from ..errors import SettingsError
from ..names import MESSAGE_TAG_SESSION_ID, MESSAGE_TAG_SESSION_TOKEN


class OpenReplayVersion(Enum):
    """For which OpenReplay a cluster is prepared."""

    FROM_1_21 = "v1.21"
    UP_TO_1_20 = "v1.20"
    BOTH = "both"

    @property
    def reads_alias(self) -> bool:
        """Whether it reads the name ``logs`` and nothing else."""
        return self is not OpenReplayVersion.UP_TO_1_20

    @property
    def reads_tokens(self) -> bool:
        """Whether it looks for the tag of the versions up to v1.20."""
        return self is not OpenReplayVersion.FROM_1_21


OLD_TAGS: Final = f"{MESSAGE_TAG_SESSION_ID},{MESSAGE_TAG_SESSION_TOKEN}"
"""What the setting ``tags`` has to be for OpenReplay up to v1.20."""


def version_of(text: str) -> OpenReplayVersion:
    """Read what a person types for a version: ``v1.21``, ``1.20``, ``both``, or any exact one.

    Raises:
        SettingsError: It is no version.
    """
    word = text.strip().lower().removeprefix("v")
    if word == "both":
        return OpenReplayVersion.BOTH
    parts = word.split(".")
    if len(parts) >= 2 and all(part.isdigit() for part in parts):
        is_new = (int(parts[0]), int(parts[1])) >= (1, 21)
        return OpenReplayVersion.FROM_1_21 if is_new else OpenReplayVersion.UP_TO_1_20
    raise SettingsError(
        f"for: expected v1.21 (and later), v1.20 (and before) or both, got {text[:20]!r}"
    )
