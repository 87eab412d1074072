"""What a client's packets hold that nobody else may read: user, password, literals, parameters, files.

Sources: MySQL Server docs, "HandshakeResponse41", "COM_CHANGE_USER", "COM_QUERY", "COM_STMT_EXECUTE",
"COM_REGISTER_SLAVE"; MariaDB docs, "COM_STMT_BULK_EXECUTE". What does not fit is masked whole.
"""

from __future__ import annotations

from aurora_wire.evidence import patches
from aurora_wire.evidence.masking import Masker
from aurora_wire.evidence.patches import Patch
from aurora_wire.reads import u16, u32
from aurora_wire.wire import labels
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql import commands
from aurora_wire.wire.mysql.execute import (
    BULK_SEND_TYPES,
    Prepared,
    parse_bulk_execute,
    parse_execute,
    read_long_data,
)
from aurora_wire.wire.mysql.lenenc import find_nul, read_lenenc, read_lestr
from aurora_wire.wire.mysql.query import parse_query
from aurora_wire.wire.mysql.values import PRESENT, value_bounds

# Commands whose text is a name, or that hold none.
KEPT = frozenset(
    {
        commands.COM_SLEEP, commands.COM_QUIT, commands.COM_INIT_DB, commands.COM_FIELD_LIST, commands.COM_CREATE_DB,
        commands.COM_DROP_DB, commands.COM_REFRESH, commands.COM_SHUTDOWN, commands.COM_STATISTICS,
        commands.COM_PROCESS_INFO, commands.COM_PROCESS_KILL, commands.COM_DEBUG, commands.COM_PING,
        commands.COM_BINLOG_DUMP, commands.COM_BINLOG_DUMP_GTID, commands.COM_STMT_CLOSE, commands.COM_STMT_RESET,
        commands.COM_SET_OPTION, commands.COM_STMT_FETCH, commands.COM_RESET_CONNECTION,
    }
)  # fmt: skip
LOGIN_FIXED = 32
HOSTS = frozenset({b"_server_host", b"_source_host", b"_client_host", b"_client_ip"})  # attributes that name hosts


class ClientMask:
    """Of one connection, its packets in order. parameter_counts: of prepared statements by id."""

    def __init__(
        self, masker: Masker, agreed: int | None, parameter_counts: dict[int, int], *, hosts: bool = False
    ) -> None:
        self.masker = masker
        self.hosts = hosts
        self.agreed = agreed
        self.prepared = {number: Prepared(number, b"", count) for number, count in parameter_counts.items()}

    def packet(self, label: int, data: bytes) -> list[Patch]:
        """data: the payload, as far as it is there."""
        if not data or label in (labels.SSL_REQUEST, labels.PROXY_HEADER):
            return []
        if label == labels.LOGIN:
            return self._login(data)
        if label == labels.AUTH:
            return patches.value(self.masker, data, 0, len(data.rstrip(b"\0"))) if len(data) > 1 else []
        if label == labels.INFILE_DATA:
            return patches.value(self.masker, data, 0, len(data))
        if label == labels.BINLOG:
            return []  # a replica's acknowledgement
        command = label - labels.COMMAND
        if command < 0 or data[0] != command:
            return patches.fill(0, len(data))
        if command in KEPT:
            return [] if commands.fits_command(command, len(data)) else patches.fill(1, len(data))
        if command == commands.COM_QUERY:
            return self._query(data)
        if command == commands.COM_STMT_PREPARE:
            return patches.sql(self.masker, data, 1, len(data))
        if command == commands.COM_STMT_EXECUTE:
            return self._execute(data)
        if command == commands.COM_STMT_BULK_EXECUTE:
            return self._bulk_execute(data)
        if command == commands.COM_STMT_SEND_LONG_DATA:
            return self._long_data(data)
        if command == commands.COM_CHANGE_USER:
            return self._change_user(data)
        if command == commands.COM_REGISTER_SLAVE:
            return self._register(data)
        return patches.fill(1, len(data))

    def _has(self, flag: int) -> bool:
        return bool((self.agreed or 0) & flag)

    def _attributes_agreed(self) -> int:
        return -1 if self.agreed is None else int(self._has(caps.QUERY_ATTRIBUTES))

    # -- who

    def _login(self, data: bytes) -> list[Patch]:
        if not u16(data, 0) & caps.PROTOCOL_41 if len(data) > 1 else True:
            return self._old_login(data)
        walk = _Walk(self.masker, data, LOGIN_FIXED)
        walk.nulstr(masked=True)
        if self._has(caps.PLUGIN_AUTH_LENENC_CLIENT_DATA):
            walk.lestr(masked=True)
        elif self._has(caps.SECURE_CONNECTION):
            walk.u8str(masked=True)
        else:
            walk.nulstr(masked=True)
        if self._has(caps.CONNECT_WITH_DB):
            walk.nulstr(masked=False)
        if self._has(caps.PLUGIN_AUTH):
            walk.nulstr(masked=False)
        if self._has(caps.CONNECT_ATTRS):
            walk.attributes(hosts=self.hosts)
        if self.agreed is None:
            return patches.fill(LOGIN_FIXED, len(data))
        return walk.found

    def _old_login(self, data: bytes) -> list[Patch]:
        walk = _Walk(self.masker, data, 5)
        walk.nulstr(masked=True)
        walk.nulstr(masked=True)
        return walk.found

    def _change_user(self, data: bytes) -> list[Patch]:
        walk = _Walk(self.masker, data, 1)
        walk.nulstr(masked=True)
        if self._has(caps.SECURE_CONNECTION):
            walk.u8str(masked=True)
        else:
            walk.nulstr(masked=True)
        walk.nulstr(masked=False)
        walk.at = min(walk.at + 2, len(data))
        if self._has(caps.PLUGIN_AUTH):
            walk.nulstr(masked=False)
        if self._has(caps.CONNECT_ATTRS):
            walk.attributes(hosts=self.hosts)
        return walk.found

    def _register(self, data: bytes) -> list[Patch]:
        walk = _Walk(self.masker, data, 5)
        for _ in range(3):  # host, user, password
            walk.u8str(masked=True)
        return walk.found

    # -- statements

    def _query(self, data: bytes) -> list[Patch]:
        query = parse_query(data, 0, len(data), self._attributes_agreed())
        if query is None:
            return patches.fill(1, len(data))
        present = [one for one in query.attributes if one.indicator == PRESENT]
        before = patches.values_before(self.masker, data, query.text_at, present)
        if before is None:
            return patches.fill(1, len(data))
        return before + patches.sql(self.masker, data, query.text_at, query.text_end)

    def _of(self, data: bytes) -> Prepared:
        number = u32(data, 1) if len(data) >= 5 else -1
        return self.prepared.setdefault(number, Prepared(number))

    def _long_data(self, data: bytes) -> list[Patch]:
        number, parameter, at = read_long_data(data, 0, len(data))
        if number < 0:
            return patches.fill(1, len(data))
        self._of(data).add_long_data(parameter, data, at, at)
        return patches.value(self.masker, data, at, len(data))

    def _execute(self, data: bytes) -> list[Patch]:
        prepared = self._of(data)
        sent_before = set(prepared.long_data)
        found = parse_execute(data, 0, len(data), prepared, self._attributes_agreed())
        if found is not None:
            values = [*found.values, *found.attributes]
            present = [
                one for number, one in enumerate(values) if one.indicator == PRESENT and number not in sent_before
            ]
            masked = patches.values_before(self.masker, data, len(data), present)
            if masked is not None and (found.complete or not values):
                return masked
        return patches.fill(10, len(data))

    def _bulk_execute(self, data: bytes) -> list[Patch]:
        prepared = self._of(data)
        found = parse_bulk_execute(data, 0, len(data), prepared)
        kinds = prepared.types
        if found is None or not kinds:
            return patches.fill(7, len(data))
        at = 7 + (2 * len(kinds) if u16(data, 5) & BULK_SEND_TYPES else 0)
        masked: list[Patch] = []
        while at < len(data):
            for kind in kinds:
                if at >= len(data):
                    return patches.fill(7, len(data))
                indicator = data[at]
                at += 1
                if indicator != PRESENT:
                    continue
                start, at = value_bounds(data, at, len(data), kind & 0xFF)
                if start < 0:
                    return patches.fill(7, len(data))
                masked += patches.binary_value(self.masker, data, start, at, kind & 0xFF)
        return masked


class _Walk:
    """Goes from field to field. What runs past the end is masked whole, and so is all that follows."""

    def __init__(self, masker: Masker, data: bytes, at: int) -> None:
        self.masker = masker
        self.data = data
        self.at = at
        self.end = len(data)
        self.found: list[Patch] = []

    def _take(self, start: int, end: int, *, masked: bool) -> None:
        if end > self.end:
            self.found += patches.fill(start, self.end)
        elif masked:
            self.found += patches.value(self.masker, self.data, start, end)

    def nulstr(self, *, masked: bool) -> None:
        if self.at >= self.end:
            return
        stop = find_nul(self.data, self.at, self.end)
        self._take(self.at, self.end if stop < 0 else stop, masked=masked)
        self.at = self.end if stop < 0 else stop + 1

    def u8str(self, *, masked: bool) -> None:
        if self.at >= self.end:
            return
        start = self.at + 1
        stop = start + self.data[self.at]
        self._take(start, stop, masked=masked)
        self.at = min(stop, self.end)

    def lestr(self, *, masked: bool) -> None:
        if self.at >= self.end:
            return
        start, stop = read_lestr(self.data, self.at, self.end)
        if start < 0:
            self.found += patches.fill(self.at + 1, self.end)
            self.at = self.end
            return
        self._take(start, stop, masked=masked)
        self.at = stop

    def attributes(self, *, hosts: bool) -> None:
        """Those that the driver sets stay, as in reports; those of the application are masked."""
        if self.at >= self.end:
            return
        total, at = read_lenenc(self.data, self.at, self.end)
        stop = min(at + total, self.end) if total >= 0 else self.end
        while at < stop:
            key, key_end = read_lestr(self.data, at, stop)
            value, value_end = read_lestr(self.data, key_end, stop) if key >= 0 else (-1, at)
            if value < 0:
                self.found += patches.fill(at, stop)
                break
            name = self.data[key:key_end]
            drivers_own = name.startswith(b"_") or name == b"program_name"
            if not drivers_own or (hosts and name in HOSTS):
                self.found += patches.value(self.masker, self.data, value, value_end)
            at = value_end
        self.at = stop
