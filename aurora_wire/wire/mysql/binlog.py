"""Binlog events: what a replica is sent. Statements are leaked statements, rows are counted by table.

Sources: MySQL Server docs, "Binary Log Event", "Query_event", "Rows_event", "Transaction_payload_event"; MariaDB
documentation, "2-Binlog Event Header", "ANNOTATE_ROWS_EVENT", "Compressed Events". An event stands behind 00, or, with
semi-synchronous replication, behind 00 EF and a byte; its size is the packet's, which tells it from anything else.

What a sender claims is bounded: an event is read as far as MAX_BINLOG, a compressed transaction in steps of CHUNK under
the bounds of the compressed protocol, an event inside it as far as MAX_INSIDE.
"""

import zlib
from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u16, u24, u32
from aurora_wire.wire.decoding import anomalies
from aurora_wire.wire.mysql.binlog_rows import TableMap, count_rows, read_layout, read_names
from aurora_wire.wire.mysql.commands import REPLICATED
from aurora_wire.wire.mysql.compressed import (
    CHUNK,
    MAX_WINDOW,
    ZSTD,
    Inflater,
    is_bomb,
    zstd_window,
)
from aurora_wire.wire.mysql.credentials import note_replicated_text
from aurora_wire.wire.mysql.events import Statement
from aurora_wire.wire.mysql.facts import NAME_COST, MySQLFacts
from aurora_wire.wire.mysql.leaked.rows import Hit
from aurora_wire.wire.mysql.leaked.tally import BINLOG
from aurora_wire.wire.mysql.lenenc import read_lenenc
from aurora_wire.wire.mysql.replica_commands import find_replication
from aurora_wire.wire.mysql.replication import MAX_DATABASES, MAX_TABLES, TABLE_COST, Replication, TableRows
from aurora_wire.wire.mysql.sql_text import reads_like_sql

HEADER: Final[i64] = 19
CHECKSUM: Final[i64] = 4
MAX_BINLOG: Final[i64] = 1 << 20    # bytes kept of an event that comes in pieces
MAX_INSIDE: Final[i64] = 1 << 20    # bytes kept of one event in a compressed transaction
MAX_MAPS: Final[i64] = 1024         # layouts of tables that are remembered
MAP_COST: Final[i64] = 400          # bytes that one takes besides four a column
WATCHED_COST: Final[i64] = 150      # and a column whose values are looked at
TRIES: Final[i64] = 8               # events that may show that checksums are on
BIG_CHUNK: Final[i64] = 0xFFFFFF - 3  # bytes of an event in a packet that goes on in another one

# Types of events.
QUERY: Final[i64] = 2
ROTATE: Final[i64] = 4
FORMAT_DESCRIPTION: Final[i64] = 15
EXECUTE_LOAD_QUERY: Final[i64] = 18
TABLE_MAP: Final[i64] = 19
ROWS_QUERY: Final[i64] = 29
GTID: Final[i64] = 33
PARTIAL_UPDATE_ROWS: Final[i64] = 39
TRANSACTION_PAYLOAD: Final[i64] = 40
ANNOTATE_ROWS: Final[i64] = 160       # MariaDB's from here on
MARIADB_GTID: Final[i64] = 162
QUERY_COMPRESSED: Final[i64] = 165

INSERTS: Final[i64] = 1
UPDATES: Final[i64] = 2
DELETES: Final[i64] = 3
ROWS_KIND: Final = {
    20: INSERTS, 21: UPDATES, 22: DELETES, 23: INSERTS, 24: UPDATES, 25: DELETES, 30: INSERTS, 31: UPDATES,
    32: DELETES, PARTIAL_UPDATE_ROWS: UPDATES, 166: INSERTS, 167: UPDATES, 168: DELETES, 169: INSERTS, 170: UPDATES,
    171: DELETES,
}  # fmt: skip
WITH_EXTRA: Final = (30, 31, 32, PARTIAL_UPDATE_ROWS, 169, 170, 171)   # rows events of version 2
ZLIB_ROWS: Final = (166, 167, 168, 169, 170, 171)                      # MariaDB's compressed ones

# Statements that carry nothing: each transaction has them.
EMPTY_STATEMENTS: Final = (b"BEGIN", b"COMMIT")

# Fields of a compressed transaction's head, and its kinds of compression.
END_OF_HEAD: Final[i64] = 0
KIND_OF_COMPRESSION: Final[i64] = 2
NOT_COMPRESSED: Final[i64] = 255


class Binlog:
    """Reads the events that one connection's server sends."""

    def __init__(self, facts: MySQLFacts, inflaters: dict[int, Callable[[], Inflater]]) -> None:
        self.facts = facts
        self.inflaters = inflaters
        self.maps: dict[int, TableMap] = {}
        self.checksum: i64 = 0       # bytes of it behind each event, as far as seen
        self.tries: i64 = 0          # events that had none
        self.frame: i64 = -1         # of the packet that is read
        self.time_ns: i64 = -1
        self.offset: i64 = -1
        self.compressed = False
        self.opened: i64 = 0         # bytes that compressed events held, and that they had
        self.closed: i64 = 0

    def packet(
        self, data: bytes, at: i64, end: i64, total: i64, frame: i64, time_ns: i64, offset: i64, compressed: bool
    ) -> None:
        """Read the packet whose payload of `total` bytes is data[at:end], as far as it is here."""
        if end - at < 1 + HEADER or data[at] != 0:
            return
        begin = at + 1
        size = u32(data, begin + 9)
        semi_sync = False
        if not _is_size(size, total - 1):
            if data[begin] != 0xEF or end - begin < HEADER + 2 or not _is_size(u32(data, begin + 11), total - 3):
                return
            begin += 2
            size = u32(data, begin + 9)
            semi_sync = True
        made = find_replication(self.facts)
        if semi_sync:
            made.semi_sync = True
        if made.frame < 0:
            made.frame = frame
            made.offset = offset
        made.bytes += size
        self.frame = frame
        self.time_ns = time_ns
        self.offset = offset
        self.compressed = compressed
        kind: i64 = data[begin + 4]
        whole = end - begin >= size
        if whole and kind != FORMAT_DESCRIPTION and self.checksum == 0 and self.tries < TRIES:
            self.tries += 1
            if size > HEADER + CHECKSUM and zlib.crc32(data[begin : end - CHECKSUM]) == u32(data, end - CHECKSUM):
                self.checksum = CHECKSUM
        if kind == FORMAT_DESCRIPTION:
            # What wrote the log says so; another one may write the next.
            self.checksum = 0
            self.tries = 0
            if end - begin >= HEADER + 52:
                made.source_version = data[begin + HEADER + 2 : begin + HEADER + 52].split(b"\0")[0]
        made.source_id = u32(data, begin + 5)
        if u32(data, begin + 13) > 0:
            made.position_now = u32(data, begin + 13)
        self._event(made, data, begin, end, size, self.checksum, inside=False)

    def _event(
        self, made: Replication, data: bytes, at: i64, end: i64, size: i64, checksum: i64, *, inside: bool
    ) -> None:
        """Read the event of `size` bytes that begins at `at`, as far as it is here: up to `end`."""
        kind: i64 = data[at + 4]
        made.events[kind] = made.events.get(kind, 0) + 1
        whole = end - at >= size
        if not whole:
            made.cut += 1
        stop = at + size - checksum
        if stop > end:
            stop = end
        body = at + HEADER
        if stop < body:
            return
        if kind in (QUERY, QUERY_COMPRESSED):
            self._query(made, kind, data, body, stop, 13, at + size - checksum)
        elif kind == EXECUTE_LOAD_QUERY:
            self._query(made, kind, data, body, stop, 26, at + size - checksum)
        elif kind == TABLE_MAP:
            self._table_map(made, data, body, stop)
        elif kind in ROWS_KIND:
            self._rows(made, kind, data, body, stop, whole)
        elif kind == ROWS_QUERY:
            text = data[body + 1 : stop] if stop > body else b""
            self._statement(made, kind, text, size - HEADER - 1 - checksum, whole)
        elif kind == ANNOTATE_ROWS:
            self._statement(made, kind, data[body:stop], size - HEADER - checksum, whole)
        elif kind == ROTATE:
            if stop - body > 8:
                made.file_now = data[body + 8 : stop if stop - body < 8 + 512 else body + 8 + 512]
                made.position_now = u32(data, body)
        elif kind in (GTID, MARIADB_GTID):
            made.gtid = data[body - 14 : body - 10] + data[body : body + 25]
            made.gtid_type = kind
        elif kind == TRANSACTION_PAYLOAD and not inside:
            self._payload(made, data, body, stop)

    # Statements.

    def _query(
        self, made: Replication, kind: i64, data: bytes, body: i64, end: i64, fixed: i64, behind: i64
    ) -> None:
        """Read a statement, behind `fixed` bytes, what it depends on, and the schema in force; it ends at `behind`, of
        which not all need be here.
        """
        if end - body < fixed:
            return
        schema_size: i64 = data[body + 8]
        schema_at = body + fixed + u16(data, body + 11)
        begin = schema_at + schema_size + 1
        if begin > end:
            return
        self._database(made, data[schema_at : schema_at + schema_size])
        if kind == QUERY_COMPRESSED:
            text, all_of_it = self._unpack(data, begin, end)
            self._statement(made, kind, text, len(text), all_of_it and end == behind)
        else:
            self._statement(made, kind, data[begin:end], behind - begin, end == behind)

    def _statement(self, made: Replication, kind: i64, text: bytes, length: i64, whole: bool) -> None:
        if text in EMPTY_STATEMENTS or not text:
            return
        made.statements += 1
        facts = self.facts
        if not facts.readable:
            facts.readable = reads_like_sql(text, 0, len(text))
        note_replicated_text(facts, text, whole, self.frame, self.offset)
        if not facts.wants_statement():
            facts.statements_total += 1
            facts.weigh(REPLICATED + kind, text, 0, len(text), None, whole, self.frame, self.time_ns)
            return
        facts.add_statement(
            Statement(
                facts.id, self.frame, self.time_ns, self.offset, REPLICATED + kind, text, max(length, len(text)), None,
                whole, self.compressed, -1, from_client=False,
            )
        )

    def _database(self, made: Replication, name: bytes) -> None:
        if not name:
            return
        seen: i64 = made.databases.get(name, 0)
        if seen == 0:
            if len(made.databases) >= MAX_DATABASES or not self._afford(len(name) + NAME_COST):
                return
        made.databases[name] = seen + 1

    def _afford(self, cost: i64) -> bool:
        return self.facts.afford(cost, False, self.frame, self.time_ns, self.offset)

    # Rows.

    def _table_map(self, made: Replication, data: bytes, body: i64, end: i64) -> None:
        """Remember a table's layout under its number, until another one takes it."""
        if end - body < 8:
            return
        number = u24(data, body) | u24(data, body + 3) << 24
        raw = data[body + 8 : end]
        known = self.maps.get(number)
        if known is not None and known.raw == raw:
            return
        schema, table, columns_at = read_names(data, body + 8, end)
        if not table:
            return
        self._database(made, schema)
        fresh = TableMap(raw, self._table(made, schema, table))
        if columns_at >= 0:
            read_layout(fresh, data, columns_at, end)
        cost = _map_cost(fresh)
        if known is not None:
            self._forget(number)
        elif len(self.maps) >= MAX_MAPS:
            self._forget(next(iter(self.maps)))
        if self._afford(cost):
            self.maps[number] = fresh

    def _forget(self, number: i64) -> None:
        self.facts.charge(-_map_cost(self.maps.pop(number)))

    def _table(self, made: Replication, schema: bytes, table: bytes) -> TableRows:
        key = schema + b"\0" + table
        rows = made.tables.get(key)
        if rows is None:
            if len(made.tables) >= MAX_TABLES or not self._afford(2 * len(key) + TABLE_COST):
                return made.others
            rows = TableRows(schema, table)
            made.tables[key] = rows
        return rows

    def _rows(self, made: Replication, kind: i64, data: bytes, body: i64, end: i64, whole: bool) -> None:
        """Count the rows of a rows event, as far as they are here and fit the table's layout."""
        if end - body < 9:
            return
        table = self.maps.get(u24(data, body) | u24(data, body + 3) << 24)
        at = body + 8
        if kind in WITH_EXTRA:
            at += u16(data, at) if end - at >= 2 else 2
        if at >= end:
            made.unread += 1 if whole else 0
            return
        width, at = read_lenenc(data, at, end)
        if table is None or width <= 0 or width != table.columns:
            made.unread += 1  # what tells its layout was not captured, or does not fit
            return
        size = (width + 7) // 8
        present = data[at : at + size]
        after = b""
        what: i64 = ROWS_KIND[kind]
        at += size
        if what == UPDATES:
            after = data[at : at + size]
            at += size
        if at > end:
            made.unread += 1 if whole else 0
            return
        hits: list[Hit] = []
        if kind in ZLIB_ROWS:
            unpacked, all_of_it = self._unpack(data, at, end)
            whole = whole and all_of_it
            rows, fits = count_rows(unpacked, 0, len(unpacked), table, present, after, False, self.frame, hits)
        else:
            partial = kind == PARTIAL_UPDATE_ROWS
            rows, fits = count_rows(data, at, end, table, present, after, partial, self.frame, hits)
        if hits and table.watched is not None:
            self.facts.add_hits(hits, BINLOG)
            for one in table.watched:
                if one is not None:
                    one.hit = None
        if whole and not fits:
            made.unread += 1
        counted = table.rows
        if what == INSERTS:
            counted.inserted += rows
        elif what == UPDATES:
            counted.updated += rows
        else:
            counted.deleted += rows

    # Compressed ones.

    def _unpack(self, data: bytes, at: i64, end: i64) -> tuple[bytes, bool]:
        """Return what MariaDB compressed, up to MAX_INSIDE bytes, and whether it is all: a byte, its size, zlib."""
        if at >= end or data[at] & 0x70:
            return b"", False
        width: i64 = data[at] & 7
        if width < 1 or width > 4 or at + 1 + width >= end:
            return b"", False
        size: i64 = int.from_bytes(data[at + 1 : at + 1 + width], "big")
        wanted = size if size < MAX_INSIDE else MAX_INSIDE
        if wanted == 0 or self._is_too_much(end - at, wanted):
            return b"", False
        try:
            unpacked = zlib.decompressobj().decompress(data[at + 1 + width : end], int(wanted))
        except zlib.error:
            return b"", False
        return unpacked, len(unpacked) == size

    def _is_too_much(self, closed: i64, opened: i64) -> bool:
        """Account for compressed bytes; return whether they, or all of the scan, opened to far more than they are."""
        budget = self.facts.budget
        self.closed += closed
        self.opened += opened
        budget.deflated += closed
        budget.inflated += opened
        too_much = is_bomb(budget, self.opened, self.closed)
        if too_much:
            self.facts.note(anomalies.BOUND, False, self.frame, self.time_ns, self.offset, opened)
        return too_much

    def _payload(self, made: Replication, data: bytes, at: i64, end: i64) -> None:
        """Read the events of a compressed transaction."""
        kind: i64 = -1
        while True:
            field, at = read_lenenc(data, at, end)
            if field == END_OF_HEAD:
                break
            size, at = read_lenenc(data, at, end)
            if field < 0 or size < 0 or size > end - at:
                made.unread += 1
                return
            if field == KIND_OF_COMPRESSION:
                kind, _ = read_lenenc(data, at, at + size)
            at += size
        if kind == NOT_COMPRESSED:
            self._inside(made, data[at:end])
            return
        make = self.inflaters.get(ZSTD)
        window = zstd_window(data[at : at + 18])
        budget = self.facts.budget
        if kind != 0 or make is None or window > MAX_WINDOW or not budget.take_inflating(window):
            made.unread += 1
            return
        self._inflate(made, make(), data[at:end])
        budget.inflating += window

    def _inflate(self, made: Replication, inflater: Inflater, piece: bytes) -> None:
        held = b""
        left: i64 = 0              # bytes of an event too long to be held, that are passed
        closed: i64 = len(piece)
        while not inflater.eof:
            try:
                some = inflater.decompress(piece, CHUNK)
            except Exception:  # ZstdError: whatever the bytes do to a library
                made.unread += 1
                return
            piece = b""
            if not some:
                break
            if self._is_too_much(closed, len(some)):
                return
            closed = 0
            if left > 0:
                passed = left if left < len(some) else len(some)
                left -= passed
                some = some[passed:]
            rest = self._inside(made, held + some)
            if rest is None:
                return
            held = rest
            if len(held) >= MAX_INSIDE:
                left = u32(held, 9) - len(held)
                self._event(made, held, 0, len(held), u32(held, 9), 0, inside=True)
                held = b""
        if held:
            made.cut += 1

    def _inside(self, made: Replication, held: bytes) -> bytes | None:
        """Read the events that lie whole in what a transaction held; return the rest, None where it is no event. They
        have no checksums.
        """
        at: i64 = 0
        size: i64 = len(held)
        while size - at >= HEADER:
            length = u32(held, at + 9)
            if length < HEADER:
                made.unread += 1
                return None
            if at + length > size:
                break
            self._event(made, held, at, at + length, length, 0, inside=True)
            at += length
        return held[at:]


def _is_size(size: i64, there: i64) -> bool:
    """Return whether an event's size is what its packet holds; that of one cut in a long packet is more."""
    return size >= HEADER and (size == there or (size > there >= BIG_CHUNK))


def _map_cost(table: TableMap) -> i64:
    watched = table.watched
    return MAP_COST + len(table.raw) + 4 * len(table.kinds) + (0 if watched is None else WATCHED_COST * len(watched))
