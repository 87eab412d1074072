"""Notes what crosses to prove who the client is, and secrets in the text of statements, in a connection's facts.

Called for packets of authentication only, and for texts that hold a word that may announce a secret.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.auth import (
    DIALOG,
    NATIVE_PASSWORD,
    OLD_PASSWORD,
    parse_auth_more_data,
    parse_auth_next_factor,
    parse_auth_switch,
)
from aurora_wire.wire.mysql.auth import SWITCH as SWITCH_REQUEST
from aurora_wire.wire.mysql.capabilities import PLUGIN_AUTH
from aurora_wire.wire.mysql.exchange import (
    ACCEPTED,
    CHANGE_USER,
    EXCHANGE_COST,
    LOGIN,
    MAX_EXCHANGES,
    MAX_PIECE,
    MAX_SECRETS,
    NEXT_FACTOR,
    REFUSED,
    REGISTER_REPLICA,
    SECRET_COST,
    SWITCH,
    UNKNOWN,
    X_AUTHENTICATION,
    Exchange,
    Secret,
)
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.login import ChangeUser, Login
from aurora_wire.wire.mysql.sql_lexer import in_charset
from aurora_wire.wire.mysql.sql_secrets import find_secrets, may_hold_secret
from aurora_wire.wire.mysql.values import Value

MAX_NAME: Final[i64] = 1024  # bytes kept of a name: servers take less than 400


def note_login(facts: MySQLFacts, login: Login, agreed: i64, frame: i64, offset: i64) -> None:
    """Note a login with its reply to the greeting's nonce."""
    plugin = login.auth_plugin
    if login.protocol_320:
        plugin = OLD_PASSWORD
    elif not plugin and not agreed & PLUGIN_AUTH:
        plugin = NATIVE_PASSWORD
    greeting = facts.greeting
    nonce = greeting.scramble if greeting is not None else b""
    _begin(facts, LOGIN, login.user, plugin, nonce, frame, offset)
    note_reply(facts, login.auth_response, 0, len(login.auth_response), login.complete, frame, offset)


def note_change_user(facts: MySQLFacts, user: ChangeUser, frame: i64, offset: i64) -> None:
    """Note a COM_CHANGE_USER with its reply to the nonce in force."""
    _begin(facts, CHANGE_USER, user.user, user.auth_plugin, _nonce_in_force(facts), frame, offset)
    note_reply(facts, user.auth_response, 0, len(user.auth_response), user.complete, frame, offset)


def note_replica_password(facts: MySQLFacts, password: bytes, frame: i64, offset: i64) -> None:
    """Note the password in a COM_REGISTER_SLAVE, which the server does not check."""
    made = _begin(facts, REGISTER_REPLICA, b"", b"", b"", frame, offset)
    note_reply(facts, password, 0, len(password), True, frame, offset)
    if made is not None:
        made.accepted = UNKNOWN


def begin_x_authentication(facts: MySQLFacts, user: bytes, mechanism: bytes, frame: i64, offset: i64) -> None:
    """Note that a client of X Protocol begins to authenticate by this mechanism."""
    _begin(facts, X_AUTHENTICATION, user, mechanism, b"", frame, offset)


def note_challenge(facts: MySQLFacts, nonce: bytes) -> None:
    """Note the challenge of a server of X Protocol."""
    exchange = _last(facts)
    if exchange is not None and not exchange.nonce:
        exchange.nonce = nonce[:MAX_NAME]


def note_switch(facts: MySQLFacts, plugin: bytes, nonce: bytes) -> None:
    """Note that the server asks for another plugin: its nonce is in force from here."""
    side = facts.server
    _begin(facts, SWITCH, _last_user(facts), plugin, nonce, side.frame, side.position)


def note_factor(facts: MySQLFacts, plugin: bytes, nonce: bytes) -> None:
    """Note that the server took a factor and asks for the next one."""
    end_exchange(facts, True)
    side = facts.server
    _begin(facts, NEXT_FACTOR, _last_user(facts), plugin, nonce, side.frame, side.position)


def note_prompt(facts: MySQLFacts, data: bytes, asks_full: bool) -> None:
    """Note what the server sent within an exchange (AuthMoreData)."""
    exchange = _last(facts)
    if exchange is None:
        return
    if asks_full and not exchange.asks_full:
        exchange.asks_full = True
        exchange.full_at = len(exchange.replies)
    facts.charge(exchange.prompt(data, 0, len(data)))


def note_reply(
    facts: MySQLFacts, data: bytes, at: i64, end: i64, whole: bool, frame: i64, offset: i64
) -> None:
    """Note what the client sent within an exchange."""
    exchange = _last(facts)
    if exchange is None or exchange.accepted != UNKNOWN:
        if facts.exchanges_total > len(facts.exchanges):
            return
        # What began it was not captured.
        exchange = _begin(facts, SWITCH, _last_user(facts), facts.auth_plugin, b"", frame, offset)
        if exchange is None:
            return
        exchange.whole = False
    facts.charge(exchange.reply(data, at, end, whole, frame, offset))


def end_exchange(facts: MySQLFacts, taken: bool) -> None:
    """Note what the server made of the exchange: OK (or another factor that is due), or ERR."""
    exchange = _last(facts)
    if exchange is not None and exchange.accepted == UNKNOWN and exchange.kind != REGISTER_REPLICA:
        exchange.accepted = ACCEPTED if taken else REFUSED


def _begin(
    facts: MySQLFacts, kind: i64, user: bytes, plugin: bytes, nonce: bytes, frame: i64, offset: i64
) -> Exchange | None:
    facts.exchanges_total += 1
    if len(facts.exchanges) >= MAX_EXCHANGES or len(facts.exchanges) < facts.exchanges_total - 1:
        return None
    nonce = nonce[:MAX_PIECE]
    cost: i64 = EXCHANGE_COST + len(nonce)
    if not facts.afford(cost, True, frame, -1, offset):
        return None
    made = Exchange(kind, user[:MAX_NAME], plugin[:MAX_NAME], nonce, frame, offset)
    facts.exchanges.append(made)
    return made


def _last(facts: MySQLFacts) -> Exchange | None:
    """Return the exchange that is under way; None where it was not kept."""
    count: i64 = len(facts.exchanges)
    return facts.exchanges[count - 1] if 0 < count == facts.exchanges_total else None


def _last_user(facts: MySQLFacts) -> bytes:
    return facts.exchanges[-1].user if facts.exchanges else b""


def _nonce_in_force(facts: MySQLFacts) -> bytes:
    for exchange in reversed(facts.exchanges):
        if exchange.nonce:
            return exchange.nonce
    greeting = facts.greeting
    return greeting.scramble if greeting is not None else b""


def note_text(facts: MySQLFacts, text: bytes, at: i64, end: i64, whole: bool, frame: i64, offset: i64) -> None:
    """Note the secrets in a statement's text. The usual text has none of the words, and ends here."""
    if facts.budget.weighs and may_hold_secret(text, at, end):
        _note_secrets(facts, text[at:end], None, whole, frame, offset, from_binlog=False)


def note_execution(
    facts: MySQLFacts, text: bytes, values: list[Value] | None, whole: bool, frame: i64, offset: i64
) -> None:
    """Note the secrets among the parameters of a prepared statement."""
    if values and facts.budget.weighs and may_hold_secret(text, 0, len(text)):
        _note_secrets(facts, text, values, whole, frame, offset, from_binlog=False)


def note_replicated_text(facts: MySQLFacts, text: bytes, whole: bool, frame: i64, offset: i64) -> None:
    """Note the secrets in the statement of a binlog event."""
    if may_hold_secret(text, 0, len(text)):
        _note_secrets(facts, text, None, whole, frame, offset, from_binlog=True)


def _note_secrets(
    facts: MySQLFacts, text: bytes, values: list[Value] | None, whole: bool, frame: i64, offset: i64,
    *, from_binlog: bool,
) -> None:  # fmt: skip
    mode: i64 = 0
    if not from_binlog:
        mode = in_charset(facts.session.charset)
    for found in find_secrets(text, mode):
        value = text[found.start : found.end]
        if found.parameter >= 0:
            if values is None or found.parameter >= len(values):
                continue  # it comes with the execution
            value = values[found.parameter].literal()
            if value == b"NULL":
                continue
        elif values is not None:
            continue  # it came with the text
        facts.secrets_total += 1
        if facts.secret_frame < 0:
            facts.secret_frame = frame
        cost: i64 = SECRET_COST + len(value)
        if len(facts.secrets) < MAX_SECRETS and facts.afford(cost, not from_binlog, frame, -1, offset):
            facts.secrets.append(Secret(found.kind, value[:MAX_PIECE], frame, offset, from_binlog, whole))


def read_auth(facts: MySQLFacts, data: bytes, at: i64, end: i64) -> None:
    """Read a server's packet of an authentication exchange: which plugin is in force, and what it asks."""
    if at < end and facts.auth_plugin == DIALOG and data[at] != SWITCH_REQUEST:
        note_prompt(facts, data[at:end], False)  # its first byte says how to ask, and looks like another packet's
        return
    switch = parse_auth_switch(data, at, end)
    if switch is not None:
        facts.auth_plugin = switch.auth_plugin
        facts.full_authentication = False
        note_switch(facts, switch.auth_plugin, switch.scramble)
        return
    more = parse_auth_more_data(data, at, end)
    if more is not None:
        facts.full_authentication = more.asks_full or facts.full_authentication
        note_prompt(facts, more.data, more.asks_full)
        return
    factor = parse_auth_next_factor(data, at, end)
    if factor is not None:
        facts.auth_plugin = factor.auth_plugin
        facts.full_authentication = False
        note_factor(facts, factor.auth_plugin, factor.data[:-1] if factor.data.endswith(b"\0") else factor.data)
