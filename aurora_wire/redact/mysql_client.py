"""What of a client's packets may be copied out, by what each is in its place: all else is masked or filled.

Sources: MySQL Server docs, "HandshakeResponse41", "COM_CHANGE_USER", "COM_QUERY", "COM_STMT_EXECUTE",
"COM_REGISTER_SLAVE"; MariaDB docs, "COM_STMT_BULK_EXECUTE".
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u32
from aurora_wire.redact.packet_mask import PacketMask
from aurora_wire.redact.replacements import Cut
from aurora_wire.wire.decoding import roles
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.commands import (
    COM_BINLOG_DUMP,
    COM_BINLOG_DUMP_GTID,
    COM_CHANGE_USER,
    COM_CLONE,
    COM_CREATE_DB,
    COM_DROP_DB,
    COM_FIELD_LIST,
    COM_INIT_DB,
    COM_PROCESS_KILL,
    COM_QUERY,
    COM_REGISTER_SLAVE,
    COM_SET_OPTION,
    COM_STMT_BULK_EXECUTE,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_FETCH,
    COM_STMT_PREPARE,
    COM_STMT_RESET,
    COM_STMT_SEND_LONG_DATA,
    COM_SUBSCRIBE_GROUP_REPLICATION_STREAM,
    fits_command,
)
from aurora_wire.wire.mysql.execute import BULK_SEND_TYPES, parse_bulk_execute, parse_execute, read_long_data
from aurora_wire.wire.mysql.layout import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_VALUE,
    ATTRIBUTES,
    AUTH_RESPONSE,
    CAPABILITIES,
    CAPABILITIES_EXTENDED,
    CHARSET,
    COMMAND,
    FILLER,
    MAX_PACKET,
    SSL_REQUEST_320_LEN,
    SSL_REQUEST_LEN,
    USER,
    ZSTD_LEVEL,
    Field,
    change_user_fields,
    login_fields,
    ssl_request_fields,
)
from aurora_wire.wire.mysql.query import parse_query
from aurora_wire.wire.mysql.sql_text import reads_like_sql
from aurora_wire.wire.mysql.values import PRESENT, Value, find_size, is_temporal, value_bounds

# Fields that hold numbers alone, and no more than they should.
NUMBERS: Final = (
    COMMAND, CAPABILITIES, CAPABILITIES_EXTENDED, MAX_PACKET, CHARSET, ATTRIBUTES, ZSTD_LEVEL,
)  # fmt: skip

# Attributes that drivers set by themselves; those of applications are masked. HOSTS name hosts.
DRIVERS: Final = frozenset(
    (
        b"_client_name", b"_client_version", b"_client_license", b"_client_role", b"_client_replication_channel_name",
        b"_os", b"_os_details", b"_os_user", b"_pid", b"_thread", b"_platform", b"_runtime_name", b"_runtime_version",
        b"_runtime_vendor", b"_connector_name", b"_connector_version", b"_connector_license", b"_server_host",
        b"_source_host", b"_client_host", b"_client_ip", b"program_name", b"_program_name",
    )
)  # fmt: skip
HOSTS: Final = frozenset((b"_server_host", b"_source_host", b"_client_host", b"_client_ip"))
CONTROLS: Final = bytes([byte for byte in range(32) if byte not in (9, 10, 13)] + [127])


class ClientMask(PacketMask):
    def mask(self, cut: Cut, role: i64, certain: bool, total: i64) -> None:
        at = cut.at
        end = cut.end
        if role == roles.SSL_REQUEST:
            self._ssl_request(cut, total)
        elif role == roles.LOGIN:
            self._login(cut, certain)
        elif role == roles.AUTH:
            self._secret(cut, end)
        elif role == roles.COMMAND and at < end:
            cut.keep(at + 1)
            whole = end - at == total
            if certain:
                self._command(cut, cut.data[at], at, whole)
            else:
                self._doubtful(cut, cut.data[at], at, whole)

    def _agreed(self) -> i64:
        facts = self.talk.facts
        if not facts.capabilities_known:
            return -1
        return 1 if facts.capabilities & caps.QUERY_ATTRIBUTES else 0

    def _command(self, cut: Cut, command: i64, at: i64, whole: bool) -> None:
        data = cut.data
        end = cut.end
        if command == COM_QUERY:
            self._query(cut, at, self._agreed())
        elif command == COM_STMT_PREPARE:
            cut.sql(end)
        elif command == COM_STMT_EXECUTE:
            self._execute(cut, at)
        elif command == COM_STMT_BULK_EXECUTE:
            self._bulk_execute(cut, at)
        elif command == COM_STMT_SEND_LONG_DATA:
            number, parameter, begin = read_long_data(data, at, end)
            if number >= 0:
                self.talk.statement(number).add_long_data(parameter, data, begin, begin)
                cut.keep(begin)
                cut.value(end)
        elif command == COM_CHANGE_USER:
            self._change_user(cut, at)
        elif command == COM_REGISTER_SLAVE:
            cut.keep(at + 5)
            for _ in range(3):  # host, user, password
                if cut.at < end:
                    length: i64 = data[cut.at]
                    cut.keep(cut.at + 1)
                    cut.value(cut.at + length)
            if whole and end - cut.at == 10 and is_zero(data, cut.at, cut.at + 2):
                cut.keep(end)
        elif command in (COM_INIT_DB, COM_CREATE_DB, COM_DROP_DB, COM_FIELD_LIST):
            if whole and fits_command(command, end - at) and is_text(data, at + 1, end):
                cut.keep(end)
        elif command in (COM_CLONE, COM_SUBSCRIBE_GROUP_REPLICATION_STREAM):
            self.talk.is_lost = True  # another protocol goes on here
        elif command == COM_BINLOG_DUMP:
            cut.keep(at + 11)  # position, flags, server id; the name of a file follows
            cut.value(end)
        elif command == COM_BINLOG_DUMP_GTID:
            cut.keep(at + 7)
        else:
            self._small(cut, command, at, whole)

    def _small(self, cut: Cut, command: i64, at: i64, whole: bool) -> None:
        """Keep commands of a fixed, small length: their numbers stay."""
        if not whole or not fits_command(command, cut.end - at):
            return
        few_rows = command == COM_STMT_FETCH and cut.data[at + 7] == 0 and cut.data[at + 8] == 0
        harmless = command in (COM_STMT_CLOSE, COM_STMT_RESET, COM_PROCESS_KILL, COM_SET_OPTION)
        if harmless or few_rows or cut.end - at <= 2:
            cut.keep(cut.end)

    def _doubtful(self, cut: Cut, command: i64, at: i64, whole: bool) -> None:
        """Keep only what has the form of such a command: it may be the middle of something else."""
        data = cut.data
        end = cut.end
        if command in (COM_QUERY, COM_STMT_PREPARE):
            begin = at + 1
            if command == COM_QUERY and end - at > 3 and data[at + 1] == 0 and data[at + 2] == 1:
                begin = at + 3
            if reads_like_sql(data, begin, end) and is_text(data, begin, end):
                cut.keep(begin)
                cut.sql(end)
        elif command == COM_STMT_EXECUTE:
            if end - at >= 10 and data[at + 5] < 16 and u32(data, at + 6) == 1:
                cut.keep(at + 10)
        else:
            self._small(cut, command, at, whole)

    # Who.

    def _ssl_request(self, cut: Cut, total: i64) -> None:
        if cut.end - cut.at == total and total in (SSL_REQUEST_LEN, SSL_REQUEST_320_LEN):
            self._fields(cut, ssl_request_fields(cut.data, cut.at, cut.end), names=False)

    def _login(self, cut: Cut, certain: bool) -> None:
        facts = self.talk.facts
        data = cut.data
        is_320 = cut.end - cut.at < 2 or not u16(data, cut.at) & caps.PROTOCOL_41
        agreed = is_320 or (facts.login is not None and facts.capabilities_known)
        self._fields(cut, login_fields(data, cut.at, cut.end, facts.capabilities), names=certain and agreed)

    def _change_user(self, cut: Cut, at: i64) -> None:
        self._fields(cut, change_user_fields(cut.data, at, cut.end, self.talk.facts.capabilities), names=True)

    def _fields(self, cut: Cut, fields: list[Field], *, names: bool) -> None:
        """Keep numbers, plugin, database and what drivers say of themselves; mask user and secret.

        names: what follows the fixed part is known to be what it seems; else it is left to be filled.
        """
        name = b""
        for field in fields:
            kind = field.kind
            if not field.whole:
                if kind == AUTH_RESPONSE and names:
                    cut.keep(field.start)
                return
            if kind == FILLER:
                if not is_zero(cut.data, field.at, field.stop):
                    return
                cut.keep(field.stop)
            elif kind in NUMBERS:
                cut.keep(field.stop)
            elif not names:
                return
            elif field.start == field.at and field.stop == field.end:
                return  # text without its NUL: what follows may belong to it
            elif kind == USER:
                cut.value(field.end)
                cut.keep(field.stop)
            elif kind == AUTH_RESPONSE:
                cut.keep(field.start)
                if field.stop > field.end:
                    cut.value(field.end)
                else:
                    self._secret(cut, field.end)
                cut.keep(field.stop)
            elif kind == ATTRIBUTE_VALUE:
                cut.keep(field.start)
                if name not in DRIVERS or (self.talk.hosts and name in HOSTS):
                    cut.value(field.end)
                cut.keep(field.end)
            else:
                if kind == ATTRIBUTE_NAME:
                    name = cut.data[field.start : field.end]
                cut.keep(field.stop)

    def _secret(self, cut: Cut, stop: i64) -> None:
        """Mask a secret. NULs at its end stay: by them a password in clear text is told from a hash."""
        if stop > cut.end:
            cut.fill(cut.end)
            return
        last = stop
        while last > cut.at and cut.data[last - 1] == 0:
            last -= 1
        if last - cut.at == 1 and stop == last:
            cut.keep(stop)  # one byte: asks for a key
            return
        cut.value(last)
        cut.keep(stop)

    # Statements.

    def _query(self, cut: Cut, at: i64, agreed: i64) -> None:
        query = parse_query(cut.data, at, cut.end, agreed)
        if query is None:
            return
        if query.text_at > cut.at and not self._values_before(cut, query.text_at, query.attributes):
            return
        cut.sql(query.text_end)

    def _values_before(self, cut: Cut, stop: i64, values: list[Value]) -> bool:
        """Mask values that stand one after another and end at `stop`. Return False, with nothing masked, if they do
        not.
        """
        present: list[Value] = []
        size: i64 = 0
        for value in values:
            if value.indicator == PRESENT:
                present.append(value)
                size += encoded_size(value)
        begin = stop - size
        if begin < cut.at:
            return False
        at = begin
        for value in present:
            start, after = value_bounds(cut.data, at, stop, value.type)
            if start < 0:
                return False
            at = after
        if at != stop:
            return False
        cut.keep(begin)
        for value in present:
            start, after = value_bounds(cut.data, cut.at, stop, value.type)
            binary_value(cut, start, after, value.type)
        return True

    def _execute(self, cut: Cut, at: i64) -> None:
        data = cut.data
        end = cut.end
        if end - at < 10:
            return
        cut.keep(at + 5)
        if data[at + 5] < 16 and u32(data, at + 6) == 1:
            cut.keep(at + 10)
        prepared = self.talk.statement(u32(data, at + 1))
        sent_before = set(prepared.long_data)
        found = parse_execute(data, at, end, prepared, self._agreed())
        prepared.reset()
        if found is None or not found.complete or cut.at < at + 10:
            return
        values: list[Value] = []
        number = 0
        for value in found.values:
            if number not in sent_before:
                values.append(value)
            number += 1
        values.extend(found.attributes)
        self._values_before(cut, end, values)

    def _bulk_execute(self, cut: Cut, at: i64) -> None:
        data = cut.data
        end = cut.end
        if end - at < 7:
            return
        cut.keep(at + 7)
        prepared = self.talk.statement(u32(data, at + 1))
        found = parse_bulk_execute(data, at, end, prepared)
        kinds = prepared.types
        if found is None or len(kinds) == 0:
            return
        begin = at + 7
        if u16(data, at + 5) & BULK_SEND_TYPES:
            begin += 2 * len(kinds)
        # First, whether all of it fits.
        probe = begin
        while probe < end:
            for kind in kinds:
                if probe >= end or data[probe] > 3:
                    return
                indicator: i64 = data[probe]
                probe += 1
                if indicator == PRESENT:
                    start, probe = value_bounds(data, probe, end, kind & 0xFF)
                    if start < 0:
                        return
        cut.keep(begin)
        while cut.at < end:
            for kind in kinds:
                indicator = data[cut.at]
                cut.keep(cut.at + 1)
                if indicator == PRESENT:
                    start, after = value_bounds(data, cut.at, end, kind & 0xFF)
                    binary_value(cut, start, after, kind & 0xFF)


def binary_value(cut: Cut, start: i64, stop: i64, kind: i64) -> None:
    """Mask a value in binary encoding: text keeps its look, numbers and times become the filler. Its length stays."""
    cut.keep(start)
    if find_size(kind) or is_temporal(kind):
        cut.fill(stop)
    else:
        cut.value(stop)


def encoded_size(value: Value) -> i64:
    """Return the size in bytes of a value as it stands in a packet."""
    length: i64 = len(value.raw)
    if find_size(value.type):
        return length
    if is_temporal(value.type) or length < 251:
        return 1 + length
    if length < 1 << 16:
        return length + 3
    return length + 4 if length < 1 << 24 else length + 9


def is_text(data: bytes, at: i64, end: i64) -> bool:
    text = data[at:end]
    return len(text.translate(None, CONTROLS)) == len(text)


def is_zero(data: bytes, at: i64, end: i64) -> bool:
    return len(data[at:end].strip(b"\0")) == 0
