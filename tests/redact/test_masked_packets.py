"""What is masked in each packet of client and server, field by field."""

from __future__ import annotations

import struct

import pytest

from aurora_wire.redact.conversation import Talk
from aurora_wire.redact.masker import Masker
from aurora_wire.redact.mysql_client import ClientMask
from aurora_wire.redact.mysql_server import ServerMask
from aurora_wire.redact.replacements import Words
from aurora_wire.wire.decoding import roles
from aurora_wire.wire.decoding.connection_log import Budget
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.mysql import capabilities as caps
from aurora_wire.wire.mysql.execute import Prepared
from aurora_wire.wire.mysql.login import parse_login
from tests.conversations import mysql

MASKER = Masker(b"k" * 32)
AGREED = caps.PROTOCOL_41 | caps.SECURE_CONNECTION | caps.PLUGIN_AUTH | caps.CONNECT_WITH_DB | caps.CONNECT_ATTRS
LENENC = AGREED | caps.PLUGIN_AUTH_LENENC_CLIENT_DATA
HASH = bytes(range(200, 220))


def lestr(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def talk(agreed: int | None = AGREED, counts: dict[int, int] | None = None) -> Talk:
    facts = Facts(1, Budget(), None)
    facts.capabilities_known = agreed is not None
    facts.capabilities = agreed or 0
    facts.login = parse_login(mysql.login()[4:], 0, len(mysql.login()) - 4)
    words = Words(MASKER.value, MASKER.sql, lambda _body, _content: b"")
    made = Talk(facts, words, hosts=False, keep_unknown=False, is_mysql_port=True, from_syn=True)
    for number, count in (counts or {}).items():
        made.prepared[number] = Prepared(number, b"", count)
    return made


def payload(mask: ClientMask | ServerMask, role: int, data: bytes, *, certain: bool = True, cut: int = 0) -> bytes:
    """The masked payload, of which `cut` bytes are not there."""
    out = mask.payload(role, certain, data, 0, len(data), len(data) + cut) or data
    assert len(out) == len(data)
    return out


def client(role: int, data: bytes, agreed: int | None = AGREED, counts: dict[int, int] | None = None) -> bytes:
    return payload(ClientMask(talk(agreed, counts)), role, data)


def command(data: bytes, agreed: int | None = AGREED, counts: dict[int, int] | None = None) -> bytes:
    return client(roles.COMMAND, data, agreed, counts)


def attributes(*pairs: tuple[bytes, bytes]) -> bytes:
    return lestr(b"".join(lestr(key) + lestr(value) for key, value in pairs))


@pytest.mark.parametrize("agreed", [AGREED, LENENC])
def test_of_a_login_user_hash_and_own_attributes_go(agreed: int) -> None:
    data = struct.pack("<IIB23x", agreed, 1 << 24, 45) + b"someone\0" + lestr(HASH) + b"shop\0mysql_native_password\0"
    data += attributes((b"_os", b"Linux"), (b"program_name", b"cash-desk"), (b"secret", b"Geheim-17"))
    masked = client(roles.LOGIN, data, agreed)
    for gone in (b"someone", HASH, HASH[:4], b"Geheim-17"):
        assert gone not in masked
    for kept in (b"shop\0", b"mysql_native_password\0", b"_os\x05Linux", b"cash-desk", b"\x06secret\x09"):
        assert kept in masked


def test_a_login_that_is_cut_is_masked_to_its_end() -> None:
    data = struct.pack("<IIB23x", AGREED, 1 << 24, 45) + b"someone\0" + lestr(HASH)[:9]
    assert HASH[:2] not in client(roles.LOGIN, data)
    assert b"some" not in client(roles.LOGIN, data[:36])


def test_an_old_login_is_masked() -> None:
    masked = client(roles.LOGIN, struct.pack("<H", caps.CONNECT_WITH_DB) + b"\0\0\0" + b"someone\0Geheim17\0shop\0", 0)
    assert b"someone" not in masked
    assert b"Geheim" not in masked


@pytest.mark.parametrize("reply", [HASH, b"Geheim-17\0", bytes(range(256))])
def test_what_a_client_answers_in_an_authentication_goes(reply: bytes) -> None:
    masked = client(roles.AUTH, reply)
    assert reply.rstrip(b"\0")[:6] not in masked
    assert masked.endswith(b"\0") == reply.endswith(b"\0")
    assert client(roles.AUTH, b"\x02") == b"\x02"


def test_of_change_user_user_and_hash_go() -> None:
    data = b"\x11someone\0" + lestr(HASH) + b"shop\0\x2d\0mysql_native_password\0" + attributes((b"x", b"Geheim-17"))
    masked = command(data)
    for gone in (b"someone", HASH, b"Geheim-17"):
        assert gone not in masked
    assert b"shop\0\x2d\0mysql_native_password\0" in masked


def test_of_a_replica_that_registers_host_user_and_password_go() -> None:
    data = b"\x15" + struct.pack("<I", 7) + lestr(b"replica-host") + lestr(b"repl") + lestr(b"Geheim-17") + bytes(10)
    masked = command(data)
    for gone in (b"replica-host", b"repl", b"Geheim-17"):
        assert gone not in masked
    assert masked[:5] == data[:5]
    assert masked.endswith(bytes(10))


def test_of_a_query_literals_and_attributes_go() -> None:
    assert command(b"\x03SELECT 'Geheim', 4711 FROM t").startswith(b"\x03SELECT '*")
    attribute = b"\x01\x01\0\x01\xfd\0\x04name" + lestr(b"Geheim-17")
    masked = command(b"\x03" + attribute + b"SELECT 4711", AGREED | caps.QUERY_ATTRIBUTES)
    assert b"Geheim" not in masked
    assert b"4711" not in masked
    assert b"\x04name" in masked
    assert b"SELECT *" in masked
    assert command(b"\x03\x07\x09Geheim-17", AGREED | caps.QUERY_ATTRIBUTES) == b"\x03" + b"*" * 11


def test_of_an_execute_each_kind_of_value_goes() -> None:
    body = mysql.execute(5, [4711, b"Geheim-17", None, b"x" * 300])[4:]
    masked = command(body, counts={5: 4})
    assert b"Geheim" not in masked
    assert struct.pack("<q", 4711) not in masked
    assert masked.count(b"x" * 10) == 0
    assert masked[:19] == body[:19]
    assert command(body) == masked  # also where the PREPARE was not seen
    assert command(body[:-3], counts={5: 4})[10:] == b"*" * (len(body) - 13)


def test_long_data_goes_and_the_execute_that_uses_it_is_still_read() -> None:
    mask = ClientMask(talk(counts={5: 2}))
    data = b"\x18" + struct.pack("<IH", 5, 0) + b"Geheim-17" * 3
    masked = payload(mask, roles.COMMAND, data)
    assert masked[:7] == data[:7]
    assert b"Geheim" not in masked
    execute = b"\x17" + struct.pack("<IBI", 5, 0, 1) + b"\0\x01\xfd\0\xfd\0" + lestr(b"second-secret")
    masked = payload(mask, roles.COMMAND, execute)
    assert masked[:17] == execute[:17]
    assert b"secret" not in masked


def test_of_a_bulk_execute_every_row_goes() -> None:
    rows = b"".join(b"\0" + struct.pack("<q", 4711 + n) + b"\0" + lestr(b"Geheim-%d" % n) for n in range(3)) + b"\1\1"
    data = b"\xfa" + struct.pack("<IH", 5, 128) + b"\x08\0\xfd\0" + rows
    masked = command(data, counts={5: 2})
    assert b"Geheim" not in masked
    assert struct.pack("<q", 4712) not in masked
    assert (masked[:11], masked[-2:]) == (data[:11], b"\1\1")
    assert b"Geheim" not in command(data[:-9], counts={5: 2})


@pytest.mark.parametrize("data", [b"\x0e", b"\x01", b"\x02shop", b"\x19\x05\0\0\0"])
def test_commands_without_values_stay(data: bytes) -> None:
    assert command(data) == data


def test_of_a_replica_that_asks_for_the_log_the_name_of_its_file_goes() -> None:
    masked = command(b"\x12" + bytes(10) + b"bin.000001")
    assert masked[:11] == b"\x12" + bytes(10)
    assert b"bin" not in masked


@pytest.mark.parametrize("data", [b"\x0eGeheim-17", b"\x19Geheim-17", b"\x1dGeheim-17", b"\x55Geheim-17"])
def test_commands_that_cannot_be_what_they_seem_are_masked(data: bytes) -> None:
    assert command(data) == data[:1] + b"*" * 9


def test_files_go() -> None:
    assert b"Geheim" not in client(roles.FILE_DATA, b"1,Geheim-17\n")
    assert server((roles.INFILE_REQUEST, b"\xfb/home/me/file"))[0].startswith(b"\xfb*")


def server(*packets: tuple[int, bytes], agreed: int | None = AGREED) -> list[bytes]:
    mask = ServerMask(talk(agreed))
    return [payload(mask, role, data) for role, data in packets]


def definition(name: bytes, original: bytes, kind: int = 0xFD, tail: bytes = b"") -> bytes:
    names = b"".join(map(lestr, (b"def", b"shop", b"t", b"t", name, original)))
    return names + b"\x0c" + struct.pack("<HIBHBH", 45, 1020, kind, 0, 0, 0) + tail


HEAD, DEFINITION, TEXT_ROW, BINARY_ROW = roles.HEAD, roles.DEFINITION, roles.TEXT_ROW, roles.BINARY_ROW
EOF = (roles.EOF, b"\xfe\0\0\x02\0")


def test_names_of_columns_stay_and_expressions_that_stand_as_names_go() -> None:
    first, second = definition(b"Body", b"body"), definition(b"Geheim-17", b"")
    out = server((HEAD, b"\x02"), (DEFINITION, first), (DEFINITION, second), EOF)
    assert out[:2] == [b"\x02", first]
    assert b"Geheim" not in out[2]
    assert b"Geheim" not in server((DEFINITION, definition(b"Geheim-17", b"body")))[0]  # a name that a statement gave
    assert len(out[2]) == len(second)
    with_default = definition(b"a", b"a", tail=lestr(b"Geheim-17"))
    assert b"Geheim" not in server((DEFINITION, with_default))[0]


def test_rows_as_text_go_and_null_stays() -> None:
    row = lestr(b"Geheim-17") + b"\xfb" + lestr(b"") + b"\xfc\x2c\x01" + b"y" * 300
    definitions = [(DEFINITION, definition(name, name)) for name in (b"a", b"b", b"c", b"d")]
    (*_, masked, _) = server((HEAD, b"\x04"), *definitions, EOF, (TEXT_ROW, row), EOF)
    assert b"Geheim" not in masked
    assert b"yy" not in masked
    assert masked[10:12] == b"\xfb\0"


def test_a_row_that_looks_like_a_definition_is_a_row() -> None:
    row = definition(b"Geheim-17", b"Geheim-18")[:-13] + lestr(b"x" * 20)
    definitions = [(DEFINITION, definition(b"c", b"c"))] * 7
    (*_, masked, _) = server((HEAD, b"\x07"), *definitions, EOF, (TEXT_ROW, row), EOF)
    assert b"Geheim" not in masked
    assert b"shop" not in masked


def test_rows_in_binary_go() -> None:
    kinds = (0x08, 0xFD, 0x0C, 0x05, 0x03)
    definitions = [(DEFINITION, definition(b"c", b"c", kind)) for kind in kinds]
    day = b"\x07" + struct.pack("<HBBBBB", 2024, 2, 29, 12, 34, 56)
    row = b"\0\x40" + struct.pack("<q", 4711) + lestr(b"Geheim-17") + day + struct.pack("<d", 47.11)
    (*_, masked, _) = server((HEAD, b"\x05"), *definitions, EOF, (BINARY_ROW, row), EOF)
    for gone in (b"Geheim", struct.pack("<q", 4711), struct.pack("<d", 47.11), day[1:]):
        assert gone not in masked
    assert masked[:2] == row[:2]
    assert masked[10] == 9


def test_a_row_that_fits_nothing_is_masked_whole() -> None:
    for role in (TEXT_ROW, BINARY_ROW, roles.UNKNOWN):
        (*_, masked) = server((HEAD, b"\x01"), (DEFINITION, definition(b"c", b"c")), EOF, (role, b"\x20Geheim-17"))
        assert masked.strip(b"*") in (b"", b"\x20")


def test_of_an_error_the_values_in_its_message_go() -> None:
    error = b"\xff\x26\x04#23000Duplicate entry 'Geheim-17' for key 't.PRIMARY'"
    assert server((roles.ERR, error)) == [error[:9] + b"*" * (len(error) - 9)]
    nested = b"\xff\x28\x04#42000near ''Geheim-17', 'Geheim-18') foo' at line 1"
    assert server((roles.ERR, nested)) == [nested[:9] + b"*" * (len(nested) - 9)]
    assert server((roles.ERR, b"\xff\x10\x04Too many connections")) == [b"\xff\x10\x04Too many connections"]


def test_of_a_binlog_the_data_goes_and_its_frame_stays() -> None:
    header = struct.pack("<IBIIIH", 1_700_000_000, 30, 1, 28, 99, 0)
    (masked,) = server((roles.BINLOG, b"\0" + header + b"Geheim-17"))
    assert masked == b"\0" + header + b"*" * 9
    other = b"\0" + struct.pack("<IBIIIH", 0, 4, 1, 40, 99, 0) + bytes(8) + b"bin.000003"
    assert server((roles.BINLOG, other)) == [b"\0" + b"*" * (len(other) - 1)]  # the length in it is another one
    (masked,) = server((roles.BINLOG, b"\0\xef\x01" + header + b"Geheim-17"))
    assert masked == b"\0\xef\x01" + header + b"*" * 9


def test_a_greeting_a_salt_and_an_ok_stay() -> None:
    kept = [
        (roles.GREETING, mysql.greeting()[4:]), (roles.AUTH, b"\xfemysql_native_password\0" + HASH + b"\0"),
        (roles.OK, mysql.ok(2)[4:]), (roles.PREPARE_OK, mysql.prepare_ok(5, 2)[4:16]),
    ]  # fmt: skip
    assert server(*kept) == [data for _, data in kept]


def test_of_a_greeting_only_its_fields_stay() -> None:
    greeting = mysql.greeting()[4:]
    behind = greeting + b"Geheim-17"
    assert server((roles.GREETING, behind)) == [greeting + b"*" * 9]
    reserved = greeting.index(bytes(10))
    (masked,) = server((roles.GREETING, greeting[:reserved] + b"Geheim-17!" + greeting[reserved + 10 :]))
    assert masked == greeting[:reserved] + b"*" * 10 + greeting[reserved + 10 :]
    name = greeting.index(b"mysql_native_password")
    (masked,) = server((roles.GREETING, greeting[:name] + b"Geheim 17\0"))
    assert masked == greeting[:name] + b"*" * 10


def test_values_are_masked_by_a_key_and_as_long() -> None:
    assert MASKER.value(b"Geheim-17") == MASKER.value(b"Geheim-17") != MASKER.value(b"Geheim-18")
    assert MASKER.value(b"Geheim-17") != Masker(b"j" * 32).value(b"Geheim-17")
    for length in range(40):
        assert len(MASKER.value(b"x" * length)) == length
    assert MASKER.value(b"x") == b"*"
    assert MASKER.sql(b"SELECT * FROM t WHERE a = 'Geheim' -- why") == (
        b"SELECT * FROM t WHERE a = '" + MASKER.value(b"Geheim") + b"' --" + MASKER.value(b" why")
    )


@pytest.mark.parametrize("info", [b"Geheim-17", b"Rows matched: 4111111111111111", b"Rows matched: 1 Geheim"])
def test_what_a_server_adds_to_an_ok_goes_but_for_its_counts(info: bytes) -> None:
    counts = b"Rows matched: 1  Changed: 1  Warnings: 0"
    assert server((roles.OK, b"\0\1\0\2\0\0\0" + counts)) == [b"\0\1\0\2\0\0\0" + counts]
    assert server((roles.OK, b"\0\1\0\2\0\0\0" + info)) == [b"\0\1\0\2\0\0\0" + b"*" * len(info)]


def test_of_a_session_only_well_known_variables_stay() -> None:
    def variable(name: bytes, value: bytes) -> bytes:
        return b"\0" + lestr(lestr(name) + lestr(value))

    changes = variable(b"autocommit", b"OFF") + variable(b"user_thing", b"Geheim-17") + b"\1" + lestr(lestr(b"shop"))
    changes += variable(b"time_zone", b"Geheim 17") + b"\3" + lestr(b"\0" + lestr(b"some-gtid:1-17"))
    data = b"\0\0\0\2\x40\0\0" + lestr(b"") + lestr(changes)
    (masked,) = server((roles.OK, data), agreed=AGREED | caps.SESSION_TRACK)
    for kept in (b"autocommit\x03OFF", b"\x04shop", b"\x09time_zone\x09"):
        assert kept in masked
    for gone in (b"user_thing", b"Geheim", b"gtid"):
        assert gone not in masked


def test_where_nobody_knows_what_a_packet_is_only_its_form_stays() -> None:
    """In mid-stream a row may look like any of them."""
    mask = ServerMask(talk())
    for role in (roles.OK, roles.PREPARE_OK, roles.TEXT_ROW, roles.BINARY_ROW, roles.AUTH, roles.BINLOG, roles.ERR):
        for data in (b"\0\0\x09Geheim-17", b"\xfe\xfeGeheim-17", b"\x09Geheim-17", b"\0Geheim-1717"):
            assert b"Geheim" not in payload(mask, role, data, certain=False)
    mask_client = ClientMask(talk())
    for data in (b"\x02Geheim-17", b"\x03Geheim-17", b"\x17Geheim-1717", b"\x19Gehe", b"\x1cGeheim-1", b"\x0cGehe"):
        assert b"Geheim" not in payload(mask_client, roles.COMMAND, data, certain=False)
    asked = b"\x03INSERT INTO t VALUES ('Geheim-17')"
    assert payload(mask_client, roles.COMMAND, asked, certain=False).startswith(b"\x03INSERT INTO t VALUES ('*")
