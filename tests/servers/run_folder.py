"""Writes the folder that one run of an Elasticsearch lives in."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.access import link_tree
from tests.servers.plugin import install_plugin
from tests.servers.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

    from tests.servers.access import Account
    from tests.servers.fetch import Distribution

_LOGGING = """\
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1}] %m%n
"""


@dataclass(frozen=True)
class Place:
    """A node's place in a cluster of several.

    Attributes:
        cluster: The cluster's name.
        node: The node's.
        transport_ports: Where each node speaks to the others, by its name.
        password: That of the superuser, the same on each.
        authority: Signs the certificates by which the nodes know each other.
    """

    cluster: str
    node: str
    transport_ports: dict[str, int]
    password: str
    authority: trustme.CA

    def settings(self, config: Path) -> dict[str, object]:
        """Its part of the configuration; the certificates are written there."""
        certificate = self.authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(str(config / "transport.key"))
        for part in certificate.cert_chain_pems:
            part.write_to_path(str(config / "transport.crt"), append=True)
        self.authority.cert_pem.write_to_path(str(config / "transport-ca.crt"))
        hosts = [f"127.0.0.1:{port}" for port in self.transport_ports.values()]
        return {
            "cluster.name": self.cluster,
            "node.name": self.node,
            "transport.port": self.transport_ports[self.node],
            "discovery.seed_hosts": json.dumps(hosts),
            "cluster.initial_master_nodes": json.dumps(list(self.transport_ports)),
            "xpack.security.transport.ssl.enabled": "true",
            "xpack.security.transport.ssl.verification_mode": "certificate",
            "xpack.security.transport.ssl.key": "transport.key",
            "xpack.security.transport.ssl.certificate": "transport.crt",
            "xpack.security.transport.ssl.certificate_authorities": "transport-ca.crt",
        }


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run: where the server's own files are, and how it is reached."""

    path: Path
    home: Path
    http_port: int
    user: str
    password: str
    ca_path: Path | None

    @property
    def url(self) -> str:
        """The server's address, without credentials."""
        return f"{'https' if self.ca_path else 'http'}://127.0.0.1:{self.http_port}"

    @property
    def config(self) -> Path:
        """The server's configuration folder."""
        return self.path / "config"


def write_run_folder(
    path: Path,
    server: Path,
    distribution: Distribution,
    java: Path,
    *,
    tls: bool,
    account: Account | None,
    place: Place | None = None,
) -> RunFolder:
    """Fill the empty folder `path` for a run of the unpacked `server` under `account`; returns what is in it.

    The run has free ports of this moment, a superuser with a random password and, with `tls`, a made certificate;
    with a `place` it is a node of a cluster, else one of its own.
    Raises `ServerFailed` when the test plugin does not fit the server.
    """
    # The account has to pass through; what it may not write stays ours.
    path.chmod(0o755)
    # The cache stays as it was fetched, and may lie in a home folder that the account cannot enter.
    home = path / "home"
    link_tree(server, home)
    install_plugin(home, distribution, java)
    for name in ("config", "data", "logs", "tmp", "repo"):
        (path / name).mkdir(mode=0o700)
    http_port, transport_port = free_ports(2)
    password = secrets.token_urlsafe(16) if place is None else place.password
    run = RunFolder(path, home, http_port, "elastic", password, path / "ca.pem" if tls else None)
    settings: dict[str, object] = {
        "network.host": "127.0.0.1",
        "http.port": http_port,
        "path.data": path / "data",
        "path.logs": path / "logs",
        # So that tests can take snapshots.
        "path.repo": path / "repo",
        "xpack.security.enabled": "true",
        "xpack.security.autoconfiguration.enabled": "false",
        # The built-in `elastic` would hide ours.
        "xpack.security.authc.reserved_realm.enabled": "false",
        # A nearly full disk must not make indexes read-only.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }
    if place is None:
        settings |= {
            "cluster.name": path.name,
            "node.name": "test",
            "discovery.type": "single-node",
            "transport.port": transport_port,
        }
    else:
        settings |= place.settings(run.config)
    if tls:
        _write_certificate(run)
        settings |= {
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.key": "http.key",
            "xpack.security.http.ssl.certificate": "http.crt",
        }
    lines = [f"{name}: {value}\n" for name, value in settings.items()]
    (run.config / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
    (run.config / "log4j2.properties").write_text(_LOGGING, encoding="utf-8")
    (run.config / "jvm.options").write_text(_jvm_options(server), encoding="utf-8")
    (run.config / "users").write_text(f"{run.user}:{_hashed(password)}\n", encoding="utf-8")
    (run.config / "users_roles").write_text(f"superuser:{run.user}\n", encoding="utf-8")
    if account is not None:
        for name in ("config", "data", "logs", "tmp", "repo"):
            for entry in (path / name, *(path / name).iterdir()):
                os.chown(entry, *account)
    return run


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(32)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10000, 32)
    return f"{{PBKDF2}}10000${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _jvm_options(server: Path) -> str:
    # These write into the working folder, which is not the run's.
    unwanted = ("-Xlog", "-XX:ErrorFile", "-XX:+HeapDump")
    shipped = (server / "config" / "jvm.options").read_text(encoding="utf-8").splitlines()
    return "".join(f"{line}\n" for line in shipped if not line.startswith(("#", *unwanted)))


def _write_certificate(run: RunFolder) -> None:
    # Here, so that a server without TLS can be started by hand without the test dependencies.
    import trustme

    assert run.ca_path is not None
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(run.ca_path))
    certificate.private_key_pem.write_to_path(str(run.config / "http.key"))
    for part in certificate.cert_chain_pems:
        part.write_to_path(str(run.config / "http.crt"), append=True)
