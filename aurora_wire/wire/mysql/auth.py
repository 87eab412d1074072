"""Authentication packets after the login, and whether a client's reply is its password as it is.

Sources: MySQL Server docs, "Protocol::AuthSwitchRequest", "AuthMoreData", "AuthNextFactor"; the plugins' own
sources for what their replies hold. A client's replies have no type byte: plugin and question tell.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

OLD_PASSWORD: Final = b"mysql_old_password"
NATIVE_PASSWORD: Final = b"mysql_native_password"
CACHING_SHA2: Final = b"caching_sha2_password"
SHA256: Final = b"sha256_password"
CLEAR_PASSWORD: Final = b"mysql_clear_password"
DIALOG: Final = b"dialog"

# First byte of a server's packet while it authenticates (0x00 is OK, 0xFF ERR).
MORE_DATA: Final[i64] = 0x01
NEXT_FACTOR: Final[i64] = 0x02
SWITCH: Final[i64] = 0xFE

# ER_CON_COUNT_ERROR, ER_HANDSHAKE_ERROR, ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED, ER_NET_PACKETS_OUT_OF_ORDER:
# what a server says instead of a greeting, or to who does not answer it as MySQL does.
BEFORE_LOGIN: Final = (1040, 1043, 1129, 1130, 1156)


@mypyc_attr(acyclic=True)
class AuthSwitchRequest:
    """The server wants another plugin; scramble is its nonce without the final NUL, in force from here."""

    __slots__ = ("auth_plugin", "scramble")

    def __init__(self, auth_plugin: bytes, scramble: bytes) -> None:
        self.auth_plugin: Final = auth_plugin
        self.scramble: Final = scramble


@mypyc_attr(acyclic=True)
class AuthMoreData:
    """Plugin data from the server. asks_full: caching_sha2_password's `01 04`."""

    __slots__ = ("asks_full", "data")

    def __init__(self, data: bytes) -> None:
        self.data: Final = data
        self.asks_full: Final = data == b"\x04"


@mypyc_attr(acyclic=True)
class AuthNextFactor:
    """One factor is done, the next begins."""

    __slots__ = ("auth_plugin", "data")

    def __init__(self, auth_plugin: bytes, data: bytes) -> None:
        self.auth_plugin: Final = auth_plugin
        self.data: Final = data


def parse_auth_switch(data: bytes, at: i64, end: i64) -> AuthSwitchRequest | None:
    """Return the AuthSwitchRequest. A lone 0xFE is the switch to mysql_old_password of servers before 5.5."""
    if at >= end or data[at] != SWITCH:
        return None
    if end - at == 1:
        return AuthSwitchRequest(OLD_PASSWORD, b"")
    plugin, rest = _plugin_and_rest(data, at + 1, end)
    return AuthSwitchRequest(plugin, rest[:-1] if rest.endswith(b"\0") else rest)


def parse_auth_more_data(data: bytes, at: i64, end: i64) -> AuthMoreData | None:
    if at >= end or data[at] != MORE_DATA:
        return None
    return AuthMoreData(data[at + 1 : end])


def parse_auth_next_factor(data: bytes, at: i64, end: i64) -> AuthNextFactor | None:
    if end - at < 2 or data[at] != NEXT_FACTOR:
        return None
    plugin, rest = _plugin_and_rest(data, at + 1, end)
    return AuthNextFactor(plugin, rest)


def _plugin_and_rest(data: bytes, at: i64, end: i64) -> tuple[bytes, bytes]:
    nul: i64 = data.find(b"\0", at, end)
    if nul < 0:
        return data[at:end], b""
    return data[at:nul], data[nul + 1 : end]


def is_cleartext_password(plugin: bytes, full_auth_asked: bool, data: bytes, at: i64, end: i64) -> bool:
    """Return whether the client's auth data data[at:end] is a password (or a token as good as one) as it is.

    plugin: the one in force; full_auth_asked: the server has sent `01 04` in this exchange, without which
    caching_sha2_password sends a hash. Also for the auth response inside a login or COM_CHANGE_USER.
    An empty password is none.
    """
    if plugin in (CLEAR_PASSWORD, DIALOG):
        return end - at > 1 or (end - at == 1 and data[at] != 0)
    if plugin == b"authentication_openid_connect_client":
        return end - at > 2
    if plugin == SHA256 or (plugin == CACHING_SHA2 and full_auth_asked):
        return _is_text_and_nul(data, at, end)
    return False


def _is_text_and_nul(data: bytes, at: i64, end: i64) -> bool:
    """Text, then NUL as the last byte. The other replies are one byte (asking for the key) or an RSA block.

    An RSA block of 128 bytes or more passes for text with a chance below 1e-9.
    """
    if end - at < 2 or data[end - 1] != 0:
        return False
    while at < end - 1:
        byte: i64 = data[at]
        if byte < 32 or byte == 127:
            return False
        at += 1
    return True
