"""What a client sends to log in: SSLRequest, login, COM_CHANGE_USER.

These are functions over `ClientPackets`, once or a few times a connection.
Sources: MySQL Server docs, "Protocol::SSLRequest", "Protocol::HandshakeResponse41", "COM_CHANGE_USER".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from aurora_wire.binary import u32
from aurora_wire.wire.decoding import anomalies, labels
from aurora_wire.wire.decoding.decoder import TO_TLS
from aurora_wire.wire.mysql.auth import is_cleartext_password
from aurora_wire.wire.mysql.capabilities import UNKNOWN
from aurora_wire.wire.mysql.compression import find_compression
from aurora_wire.wire.mysql.credentials import note_change_user, note_login
from aurora_wire.wire.mysql.events import LoggedIn, TLSRequested
from aurora_wire.wire.mysql.facts import NAME_COST
from aurora_wire.wire.mysql.layout import SSL_REQUEST_320_LEN, SSL_REQUEST_LEN
from aurora_wire.wire.mysql.login import (
    Login,
    has_filler,
    is_name,
    is_plausible,
    may_be_login,
    parse_change_user,
    parse_login,
    parse_ssl_request,
)
from aurora_wire.wire.mysql.states import LOGIN

if TYPE_CHECKING:
    from aurora_wire.wire.mysql.client import ClientPackets

MAX_NAME: Final[i64] = 1024         # bytes kept of a name: servers take less than 400
MAX_USERS: Final[i64] = 20          # kept, that a session changed to
MAX_ATTRIBUTES: Final[i64] = 16384  # bytes kept of connection attributes: servers keep 512 by default, 64 KiB at most
SSL_HIGH: Final[i64] = 0x08         # CLIENT_SSL, in the second byte of the capabilities


def take_first(client: ClientPackets, data: bytes, at: i64, end: i64, total: i64, whole: bool) -> None:
    """Take the client's first packet: an SSLRequest, or a login."""
    facts = client.facts
    events = facts.events
    request = None
    if whole and total in (SSL_REQUEST_LEN, SSL_REQUEST_320_LEN):
        request = parse_ssl_request(data, at, end)
    if request is not None:
        client.late_label = labels.SSL_REQUEST
        facts.ssl_request_frame = client.packet_frame
        facts.ssl_request_offset = client.packet_offset
        client.next = TO_TLS
        if events is not None:
            events.append(TLSRequested(facts.id, True, client.packet_frame, client.packet_time, client.packet_offset))
        return
    if not whole and total == SSL_REQUEST_LEN and (end - at < 2 or data[at + 1] & SSL_HIGH):
        # No login is so short, or none that has this bit: TLS follows.
        client.late_label = labels.SSL_REQUEST
        facts.ssl_request_frame = client.packet_frame
        facts.ssl_request_offset = client.packet_offset
        client.next = TO_TLS
        return
    greeting = facts.greeting
    offered = greeting.capabilities if greeting is not None else UNKNOWN
    login = parse_login(data, at, end, offered)
    # The zeros of its fixed part tell a login whatever its name: that may be anything that an attacker sends.
    if login is not None and not is_plausible(login) and not has_filler(data, at, end):
        login = None
    client.followed = True
    facts.doubt = False
    if login is None and not whole and total > SSL_REQUEST_LEN and may_be_login(data, at, end, total, client.sequence):
        # Longer than an SSLRequest: a login, though too much of it is cut off to be read.
        client.late_label = labels.LOGIN
        client.moves(LOGIN)
        facts.login_frame = client.packet_frame
        facts.login_offset = client.packet_offset
        facts.compression_asked = find_compression(u32(data[at:end] + b"\0\0\0\0", 0))
        return
    if login is None:
        client.late_label = labels.UNKNOWN
        client.note(anomalies.LOST_FRAMING, total)
        return
    client.late_label = labels.LOGIN
    client.moves(LOGIN)
    password = is_cleartext_password(login.auth_plugin, False, login.auth_response, 0, len(login.auth_response))
    proof = login
    login = _within_bounds(client, login)
    facts.login = login
    facts.login_frame = client.packet_frame
    facts.login_offset = client.packet_offset
    facts.readable = True
    agreed = login.capabilities
    if greeting is not None:
        agreed &= greeting.capabilities
    facts.capabilities = agreed
    facts.capabilities_known = True
    if not client.compressed:
        facts.compression_asked = find_compression(agreed)
    facts.auth_plugin = login.auth_plugin
    facts.session.log_in(login.database, login.charset)
    note_login(facts, proof, agreed, client.packet_frame, client.packet_offset)
    if events is not None:
        events.append(LoggedIn(facts.id, True, client.packet_frame, client.packet_time, client.packet_offset, login))
    if password:
        client.found_password()


def _within_bounds(client: ClientPackets, login: Login) -> Login:
    """Return the login, with names and attributes as far as there is room; note BOUND if they are shortened."""
    facts = client.facts
    size: i64 = len(login.user) + len(login.database) + len(login.auth_plugin) + len(login.auth_response)
    for key, value in login.attributes:
        size += len(key) + len(value) + NAME_COST
    cost = size
    if size > MAX_ATTRIBUTES:
        client.note(anomalies.BOUND, size)
        cost = 4 * MAX_NAME
    has_room = facts.afford(cost, True, client.packet_frame, client.packet_time, client.packet_offset)
    return login if has_room and size <= MAX_ATTRIBUTES else login.shortened(MAX_NAME)


def change_user(client: ClientPackets, data: bytes, at: i64, end: i64) -> None:
    """Take COM_CHANGE_USER: another user logs in on the same connection."""
    facts = client.facts
    facts.full_authentication = False
    facts.changing_user = True
    known = facts.capabilities_known
    user = parse_change_user(data, at, end, facts.capabilities) if known else parse_change_user(data, at, end)
    if user is None:
        return
    if user.complete and user.user and user.auth_plugin and is_name(user.user) and is_name(user.auth_plugin):
        facts.readable = True
    facts.auth_plugin = user.auth_plugin[:MAX_NAME]
    facts.session.log_in(user.database, user.charset)
    note_change_user(facts, user, client.packet_frame, client.packet_offset)
    if len(facts.users_after) < MAX_USERS and user.user not in facts.users_after:
        cost: i64 = len(user.user) + NAME_COST
        if facts.afford(cost, True, client.packet_frame, client.packet_time, client.packet_offset):
            facts.users_after.append(user.user[:MAX_NAME])
    if is_cleartext_password(user.auth_plugin, False, user.auth_response, 0, len(user.auth_response)):
        client.found_password()
