"""Tells a registry that cannot be reached from a tool that fails for another reason."""

from __future__ import annotations

import re

_SIGNS = re.compile(
    r"ECONN\w+|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH|E(SOCKET)?TIMEDOUT"
    r"|\b(UNABLE|SELF_SIGNED|CERT|DEPTH_ZERO)_[A-Z_]*(CERT|ISSUER|SIGNED)\w*|self-signed certificate"
    r"|dial tcp|x509:|no such host|i/o timeout|TLS handshake|proxyconnect|connection refused"
    r"|Could not transfer|Unknown host|PKIX|Connect(ion)? timed out|network is unreachable"
    r"|certificate verify failed|unable to get local issuer|status code: [45]0[2347]",
    re.IGNORECASE,
)
_MOST = 200


def out_of_reach(tool: str, output: str) -> str | None:
    """One sentence on a registry that `tool` cannot reach, judged by its output; None if it fails otherwise."""
    for line in output.splitlines():
        said = _SIGNS.search(line)
        if said is not None:
            begin = max(0, said.start() - _MOST // 2)
            reason = re.sub(r"\s+", " ", line[begin : begin + _MOST]).strip()
            return f"{tool} cannot reach its registry: {reason}"
    return None
