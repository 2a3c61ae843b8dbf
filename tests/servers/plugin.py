"""Builds the small plugin that lets `wipe` delete data streams (see `plugin/DataStreamDeletion.java`)."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.errors import ServerFailed

if TYPE_CHECKING:
    from tests.servers.fetch import Distribution

_SOURCE = Path(__file__).with_name("plugin") / "DataStreamDeletion.java"
_DESCRIPTOR = """\
name=openreplay-otel-tests
description=Deletes data streams between tests
version=1
classname=openreplay.otel.tests.DataStreamDeletion
java.version={java}
elasticsearch.version={version}
"""


def install_plugin(home: Path, distribution: Distribution, java: Path) -> None:
    """Compile the plugin for the server in `home` with the JDK in `java`, about a second, and put it into the server.

    Raises `ServerFailed` with the compiler's words when it does not compile.
    """
    major = distribution.version.partition(".")[0]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / _SOURCE.name
        source.write_text(_for_major(_SOURCE.read_text(encoding="utf-8"), major), encoding="utf-8")
        classes = Path(folder) / "classes"
        command = [
            str(java / "bin" / "javac"),
            "-nowarn",
            "--release",
            str(distribution.java),
            "-cp",
            str(home / "lib" / "*"),
            "-d",
            str(classes),
            str(source),
        ]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            message = f"the test plugin for Elasticsearch {distribution.version} does not compile:\n{done.stdout}"
            raise ServerFailed(message)
        target = home / "plugins" / "openreplay-otel-tests"
        target.mkdir(parents=True)
        with zipfile.ZipFile(target / "plugin.jar", "w") as jar:
            for file in classes.rglob("*.class"):
                jar.write(file, file.relative_to(classes))
    text = _DESCRIPTOR.format(java=distribution.java, version=distribution.version)
    (target / "plugin-descriptor.properties").write_text(text, encoding="utf-8")


def _for_major(source: str, major: str) -> str:
    chosen = re.sub(rf"^{major}:", "", source, flags=re.MULTILINE)
    return re.sub(r"^\d:.*\n", "", chosen, flags=re.MULTILINE)
