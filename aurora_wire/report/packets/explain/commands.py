"""Commands in words: what the client asks the server to do.

Source: MySQL Server docs, "Command Phase"; MariaDB KB, "COM_STMT_BULK_EXECUTE".
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.login import explain_change_user
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.wire.mysql import capabilities, commands
from aurora_wire.wire.mysql.execute import parse_execute
from aurora_wire.wire.mysql.query import parse_query
from aurora_wire.wire.mysql.values import Value

MAX_VALUES: Final = 50              # parameters shown of one command

WORDS: Final = {
    commands.COM_QUIT: "the client leaves",
    commands.COM_INIT_DB: "use another database",
    commands.COM_QUERY: "run a statement",
    commands.COM_FIELD_LIST: "list the columns of a table",
    commands.COM_CREATE_DB: "create a database",
    commands.COM_DROP_DB: "drop a database",
    commands.COM_SHUTDOWN: "stop the server",
    commands.COM_STATISTICS: "tell how the server is doing",
    commands.COM_PROCESS_INFO: "list the connections",
    commands.COM_PROCESS_KILL: "end a connection",
    commands.COM_PING: "are you there?",
    commands.COM_CHANGE_USER: "log in as another user on the same connection",
    commands.COM_BINLOG_DUMP: "send the binary log (a replica)",
    commands.COM_BINLOG_DUMP_GTID: "send the binary log (a replica)",
    commands.COM_REGISTER_SLAVE: "a replica introduces itself",
    commands.COM_STMT_PREPARE: "prepare a statement",
    commands.COM_STMT_EXECUTE: "run a prepared statement",
    commands.COM_STMT_SEND_LONG_DATA: "a piece of a long parameter",
    commands.COM_STMT_CLOSE: "forget a prepared statement",
    commands.COM_STMT_RESET: "reset a prepared statement",
    commands.COM_SET_OPTION: "allow or forbid several statements in one command",
    commands.COM_STMT_FETCH: "send more rows of a cursor",
    commands.COM_RESET_CONNECTION: "start the session anew",
    commands.COM_STMT_BULK_EXECUTE: "run a prepared statement with many rows of parameters",
}
# What follows the command byte and is one text.
TEXTS: Final = {
    commands.COM_INIT_DB: "database", commands.COM_CREATE_DB: "database", commands.COM_DROP_DB: "database",
    commands.COM_STMT_PREPARE: "statement",
}
WITH_STATEMENT_ID: Final = (
    commands.COM_STMT_EXECUTE, commands.COM_STMT_SEND_LONG_DATA, commands.COM_STMT_CLOSE,
    commands.COM_STMT_RESET, commands.COM_STMT_FETCH, commands.COM_STMT_BULK_EXECUTE,
)


def explain_command(fields: FieldReader, agreed: int, codec: str) -> None:
    """Explain the payload of a command. agreed: capabilities of both sides, or -1 if not known."""
    fields.rows.note("Sent outside TLS: whoever is on the way can read and change it.")
    start = fields.at
    number = fields.number(1, _command_words)
    if number is None:
        return
    if number == commands.COM_QUERY:
        _explain_query(fields, start, agreed, codec)
    elif number in TEXTS:
        fields.rest(lambda raw: f"{TEXTS[number]}: {show_bytes(raw, codec, TEXT_LIMIT)}")
    elif number == commands.COM_CHANGE_USER:
        explain_change_user(fields, start, agreed)
    elif number in WITH_STATEMENT_ID:
        _explain_statement(fields, start, number, agreed)
    elif number == commands.COM_FIELD_LIST:
        fields.until_nul(lambda raw: f"table: {show_bytes(raw, codec, TEXT_LIMIT)}")
        fields.rest(lambda raw: f"columns like: {show_bytes(raw, codec, TEXT_LIMIT)}")
    elif number == commands.COM_PROCESS_KILL:
        fields.number(4, lambda value: f"connection id {value}")
    elif number == commands.COM_SET_OPTION:
        fields.number(2, lambda value: "one statement a command" if value else "several statements allowed")
    else:
        fields.rest(lambda raw: f"{plural(len(raw), 'byte')} of arguments")


def _command_words(number: int) -> str:
    words = WORDS.get(number)
    return f"{commands.command_name(number)}{f': {words}' if words else ''}"


def attributes_agreed(agreed: int) -> int:
    """Tell whether CLIENT_QUERY_ATTRIBUTES was agreed, as the parsers want it: 1, 0, or -1 for not known."""
    return -1 if agreed < 0 else int(agreed & capabilities.QUERY_ATTRIBUTES != 0)


def _explain_query(fields: FieldReader, start: int, agreed: int, codec: str) -> None:
    query = parse_query(fields.rows.data, start, fields.end, attributes_agreed(agreed))
    if query is not None and query.text_at > fields.at:
        fields.take(query.text_at - fields.at, f"query attributes: {len(query.attributes)}")
        for value in query.attributes[:MAX_VALUES]:
            fields.rows.more(f"{show_bytes(value.name, limit=TEXT_LIMIT)} = {_value_words(value)}")
    words = "statement" if fields.whole else "beginning of the statement"
    fields.rest(lambda raw: f"{words}: {show_bytes(raw, codec, TEXT_LIMIT)}")


def _value_words(value: Value) -> str:
    return f"{show_bytes(value.literal(), limit=TEXT_LIMIT)} ({value.type_name()})"


def _explain_statement(fields: FieldReader, start: int, number: int, agreed: int) -> None:
    fields.number(4, lambda value: "statement: the one prepared last" if value == 0xFFFFFFFF
                  else f"statement id {value}, as the reply to COM_STMT_PREPARE gave it")
    if number == commands.COM_STMT_SEND_LONG_DATA:
        fields.number(2, lambda value: f"parameter {value}, counted from 0")
        fields.rest(lambda raw: f"piece of its value: {show_bytes(raw, limit=TEXT_LIMIT)}")
    elif number == commands.COM_STMT_FETCH:
        fields.number(4, lambda value: f"at most {plural(value, 'row')}")
    elif number == commands.COM_STMT_BULK_EXECUTE:
        fields.number(2, lambda value: f"flags 0x{value:04x}")
        fields.rest(lambda raw: f"types and values of the parameters: {plural(len(raw), 'byte')}")
    elif number == commands.COM_STMT_EXECUTE:
        fields.number(1, lambda value: "no cursor" if value & 7 == 0 else f"cursor flags 0x{value:02x}")
        fields.number(4, lambda value: f"iterations: {value} (always 1)")
        found = parse_execute(fields.rows.data, start, fields.end, None, attributes_agreed(agreed))
        fields.rest(lambda raw: f"types and values of the parameters: {plural(len(raw), 'byte')}")
        if found is None or not fields.whole:
            return
        for place, value in enumerate(found.values[:MAX_VALUES], 1):
            fields.rows.more(f"parameter {place} = {_value_words(value)}")
        for value in found.attributes[:MAX_VALUES]:
            fields.rows.more(f"attribute {show_bytes(value.name, limit=TEXT_LIMIT)} = {_value_words(value)}")
        if not found.complete:
            fields.rows.more("the values cannot be told for sure without the reply to COM_STMT_PREPARE")
