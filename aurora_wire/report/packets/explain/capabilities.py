"""What the capability flags that matter here mean, in words. Data.

Source: MySQL Server docs, "Capability Flags"; MySQL manual, "caching_sha2", "Connection Compression Control",
"Security Considerations for LOAD DATA LOCAL".
"""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from aurora_wire.wire.mysql import capabilities
from aurora_wire.wire.mysql.capabilities import flag_names

WIDTH: Final = 72                   # characters of a line of names

# Flag: what it says from a server, what it says from a client.
WORDS: Final = {
    capabilities.SSL: ("the server offers TLS", "the client wants TLS"),
    capabilities.PROTOCOL_41: ("it speaks the protocol of 4.1 and later",) * 2,
    capabilities.SECURE_CONNECTION: ("its challenge has 20 bytes", "it answers a challenge of 20 bytes"),
    capabilities.PLUGIN_AUTH: ("it names the authentication plugin", "it names its authentication plugin"),
    capabilities.CONNECT_WITH_DB: ("a login may name a database", "the login names a database"),
    capabilities.CONNECT_ATTRS: (
        "a client may describe itself by attributes", "it describes itself by attributes",
    ),
    capabilities.COMPRESS: (
        "it can compress with zlib (which hides nothing)", "it wants zlib compression (which hides nothing)",
    ),
    capabilities.ZSTD_COMPRESSION_ALGORITHM: (
        "it can compress with zstd (which hides nothing)", "it wants zstd compression (which hides nothing)",
    ),
    capabilities.LOCAL_FILES: (
        "it may ask for a file of the client (LOAD DATA LOCAL)",
        "it would send a file of its own when asked (LOAD DATA LOCAL)",
    ),
    capabilities.MULTI_STATEMENTS: ("it takes several statements in one command",
                                    "it may send several statements in one command"),
    capabilities.QUERY_ATTRIBUTES: ("a statement may carry attributes", "its statements carry attributes"),
    capabilities.DEPRECATE_EOF: ("results end with OK instead of EOF",) * 2,
}


def capability_lines(flags: int, *, from_server: bool, is_mariadb: bool) -> list[str]:
    """Return a line for each flag that matters, and one that names the others."""
    side = 0 if from_server else 1
    lines = []
    names = flag_names(flags, is_mariadb)
    for flag, words in WORDS.items():
        name = flag_names(flag, False)[0]  # noqa: FBT003
        if flags & flag:
            lines.append(f"{name}: {words[side]}")
            names.remove(name)
    if names:
        lines += wrap(f"and {', '.join(names)}", WIDTH)
    return lines


def missing_tls(flags: int, *, from_server: bool) -> list[str]:
    """Return what the absence of CLIENT_SSL means; empty where it is set."""
    if flags & capabilities.SSL:
        return []
    if not from_server:
        return ["CLIENT_SSL is not set: the client goes on without TLS"]
    lines = ["CLIENT_SSL is not set: the server offers no TLS, the client has to go on in the clear"]
    if flags & capabilities.SSL_VERIFY_SERVER_CERT:
        lines.append("CLIENT_SSL_VERIFY_SERVER_CERT is set without it, which MySQL servers never do:")
        lines.append("somebody on the way may have removed CLIENT_SSL")
    return lines
