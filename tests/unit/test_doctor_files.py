"""``doctor`` reports what other accounts may use, and its command makes that private."""

from __future__ import annotations

import json
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from openreplay_otel.spool.folder import SpoolFolder

from .cli_harness import call_here, fill_shop, store_url

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif("os.name != 'posix'", reason="no such permissions")

PLACES = ["logs.db", "openreplay-otel", "openreplay-otel/spool", "openreplay-otel/spool/STORE"]


def found(url: str, state: Path) -> list[dict[str, Any]]:
    """What doctor says of files."""
    done = call_here("doctor", "--json", "--store", url, state=state)
    assert done.code == 0, done.err
    return [one for one in json.loads(done.out)["checks"] if one["check"] == "files"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store and a spool, as an app leaves them."""
    url = store_url(tmp_path / "a b" / "logs.db")
    fill_shop(url)
    folder = SpoolFolder.of(str(tmp_path / "openreplay-otel" / "spool"), url)
    folder.make_segment(has_sessions=True).medium.release()
    return url


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o777, 0o711])
@pytest.mark.parametrize("place", PLACES)
def test_what_others_may_use_is_reported_and_the_command_mends_it(
    place: str, mode: int, url: str, tmp_path: Path
) -> None:
    """Each file and folder of the package; doctor itself changes nothing."""
    assert [one["finding"] for one in found(url, tmp_path)] == ["files.ok"]
    store = SpoolFolder.of(str(tmp_path / "openreplay-otel" / "spool"), url).path.name
    path = tmp_path / ("a b/logs.db" if place == "logs.db" else place.replace("STORE", store))
    path.chmod(mode | (0o700 if path.is_dir() else 0o600))
    before = stat.S_IMODE(path.stat().st_mode)
    (wide,) = found(url, tmp_path)
    assert (wide["finding"], wide["status"]) == ("files.wide", "warning")
    assert str(path) in wide["text"]
    assert before == stat.S_IMODE(path.stat().st_mode)
    subprocess.run(wide["mend"], shell=True, check=True)  # noqa: S602 - what doctor tells to type
    assert [one["finding"] for one in found(url, tmp_path)] == ["files.ok"]


def test_a_folder_that_somebody_named_is_their_own_business(url: str, tmp_path: Path) -> None:
    """The folder around the SQLite file may be shared for a reason."""
    (tmp_path / "a b").chmod(0o755)
    assert [one["finding"] for one in found(url, tmp_path)] == ["files.ok"]
