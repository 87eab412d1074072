"""Commands, capability flags, column types, character sets."""

from __future__ import annotations

import codecs

import pytest

from aurora_wire.wire.mysql import capabilities, charsets, commands, types


def test_commands_have_the_names_of_the_manual() -> None:
    assert commands.command_name(3) == "COM_QUERY"
    assert commands.command_name(0x1F) == "COM_RESET_CONNECTION"
    assert commands.command_name(0xFA) == "COM_STMT_BULK_EXECUTE"
    assert commands.command_name(0x7F) == "COM_0x7F"


def test_numbers_between_the_last_command_and_mariadbs_are_no_commands() -> None:
    assert [number for number in range(256) if commands.is_command(number)] == [*range(34), 250]


@pytest.mark.parametrize("number", sorted(commands.NAMES))
def test_every_command_has_a_length_and_a_shape(number: int) -> None:
    assert any(commands.fits_command(number, length) for length in (1, 2, 3, 5, 9, 11, 18, 30))
    assert commands.reply_shape(number) in range(10)


@pytest.mark.parametrize(
    ("number", "fitting", "not_fitting"),
    [
        (commands.COM_PING, [1], [0, 2, 5]),
        (commands.COM_QUIT, [1], [0, 2]),
        (commands.COM_STMT_CLOSE, [5], [1, 4, 6]),
        (commands.COM_STMT_FETCH, [9], [8, 10]),
        (commands.COM_SET_OPTION, [3], [1, 2, 4]),
        (commands.COM_QUERY, [1, 2, 1 << 24], [0]),
        (commands.COM_STMT_EXECUTE, [10, 5000], [9]),
        (0x7F, [], [0, 1, 2, 100]),
    ],
)
def test_lengths_follow_the_layouts(number: int, fitting: list[int], not_fitting: list[int]) -> None:
    assert all(commands.fits_command(number, length) for length in fitting)
    assert not any(commands.fits_command(number, length) for length in not_fitting)


def test_shapes_of_replies() -> None:
    assert commands.reply_shape(commands.COM_STMT_CLOSE) == commands.NONE
    assert commands.reply_shape(commands.COM_STMT_SEND_LONG_DATA) == commands.NONE
    assert commands.reply_shape(commands.COM_QUERY) == commands.RESULT
    assert commands.reply_shape(commands.COM_STMT_PREPARE) == commands.PREPARE
    assert commands.reply_shape(commands.COM_STATISTICS) == commands.STATISTICS
    assert commands.reply_shape(commands.COM_BINLOG_DUMP_GTID) == commands.STREAM
    assert commands.reply_shape(commands.COM_CHANGE_USER) == commands.AUTH
    assert commands.reply_shape(commands.COM_STMT_FETCH) == commands.ROWS
    assert commands.reply_shape(commands.COM_FIELD_LIST) == commands.FIELDS
    assert commands.reply_shape(commands.COM_PING) == commands.SIMPLE


def test_flags_are_named_lowest_first_and_bit_0_as_its_sender_means_it() -> None:
    flags = capabilities.LONG_PASSWORD | capabilities.SSL | capabilities.MARIADB_CACHE_METADATA | 1 << 50
    assert capabilities.flag_names(flags, False) == ["CLIENT_LONG_PASSWORD", "CLIENT_SSL"]
    assert capabilities.flag_names(flags, True) == [
        "CLIENT_MYSQL", "CLIENT_SSL", "MARIADB_CLIENT_CACHE_METADATA", "BIT_50",
    ]  # fmt: skip
    assert capabilities.flag_names(capabilities.UNKNOWN, True) == []


def test_every_flag_has_a_name() -> None:
    assert len(capabilities.flag_names((1 << 32) - 1, False)) == 32
    assert "BIT_" not in " ".join(capabilities.flag_names((1 << 38) - 1, True))


def test_types_have_names_and_storage_formats_are_no_values() -> None:
    assert types.type_name(8) == "LONGLONG"
    assert types.type_name(0x63) == "TYPE_0x63"
    assert types.is_value_type(types.VECTOR)
    assert not any(
        types.is_value_type(number) for number in (17, 18, 19, 20, 100, types.INVALID, types.BOOL, 256)
    )


def test_python_has_every_codec_of_the_table_and_no_collation_is_in_two_character_sets() -> None:
    seen: set[int] = set()
    for _, codec, ids in charsets.CHARACTER_SETS:
        codecs.lookup(codec)
        assert not seen & set(ids)
        seen |= set(ids)


def test_collations_of_common_greetings() -> None:
    assert charsets.codec_name(8) == "cp1252"
    assert charsets.charset_name(8) == "latin1"
    assert [charsets.charset_name(number) for number in (33, 45, 255, 63)] == [
        "utf8mb3",
        "utf8mb4",
        "utf8mb4",
        "binary",
    ]
    assert charsets.charset_name(1024 + 45) == "utf8mb4"  # MariaDB's utf8mb4_general_nopad_ci
    assert charsets.charset_name(999) == "collation 999"
    assert charsets.codec_name(999) == "utf-8"


def test_collation_ids_agree_with_pymysql() -> None:
    by_id = pytest.importorskip("pymysql.charset")._charsets._by_id
    ours = {number: charset for charset, _, ids in charsets.CHARACTER_SETS for number in ids}
    assert {number: entry.name for number, entry in by_id.items()} == {
        number: ours[number] for number in by_id
    }
