"""CLONE in words: what a recipient asks of a donor, and what the donor sends of its data folder.

Source: MySQL Server source, plugin/clone/include/clone.h ("Command_RPC", "Command_Response"),
storage/innobase/include/clone0desc.h.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.report.escape import show_bytes
from aurora_wire.report.packets.explain.rows import TEXT_LIMIT, FieldReader, plural
from aurora_wire.wire.mysql import clone

COMMANDS: Final = {
    clone.INIT: "init: begin to clone", clone.ATTACH: "attach: one more connection to clone over",
    clone.REINIT: "reinit: go on after the network failed", clone.EXECUTE: "execute: send the files",
    clone.ACK: "ack: a stage of the copy is there", clone.EXIT: "exit: the copy ends on this connection",
}  # fmt: skip
ANSWERS: Final = {
    clone.LOCATORS: "locators: which copy of which storage engine this is",
    clone.DESCRIPTOR: "descriptor: what the next data is of", clone.DATA: "data of a file",
    clone.PLUGIN: "a plugin of the donor", clone.CONFIG: "a setting of the donor",
    clone.COLLATION: "a collation of the donor", clone.PLUGIN_2: "a plugin of the donor, with its library",
    clone.CONFIG_3: "a setting of the donor", clone.CONFIG_4: "a setting of the donor",
    clone.COMPLETE: "complete: the answer ends here", clone.ERROR: "error: the donor refuses",
}  # fmt: skip
KINDS: Final = {1: "a locator", 2: "a task", 3: "a stage of the copy", 4: "a file", 5: "a block of data"}
INNODB: Final = 12  # its number among the server's storage engines
PAIRS: Final = (clone.CONFIG, clone.PLUGIN_2, clone.CONFIG_3, clone.CONFIG_4)


def explain_clone(fields: FieldReader, *, from_client: bool | None) -> None:
    """Explain a packet that crosses after COM_CLONE, as far as it is known."""
    names = COMMANDS if from_client else ANSWERS
    kind = fields.number(1, lambda number: names.get(number, f"{number}: not known here"))
    if kind is None or fields.left == 0:
        return
    if from_client:
        _command(fields, kind)
    elif kind == clone.DATA:
        fields.rest(lambda raw: f"{plural(len(raw), 'byte')} of the data folder, readable for everybody")
    elif kind == clone.LOCATORS:
        fields.number(4, lambda number: f"version of CLONE's protocol: 0x{number:04x}")
    elif kind == clone.DESCRIPTOR:
        fields.number(1, lambda number: f"storage engine {number}{' (InnoDB)' if number == INNODB else ''}")
        fields.number(1, lambda number: f"locator {number}")
        _innodb(fields)
    elif kind == clone.ERROR:
        fields.number(4, lambda number: f"error {number}")
        fields.rest(lambda raw: f"message: {show_bytes(raw, limit=TEXT_LIMIT)}")
    elif kind in (clone.PLUGIN, clone.COLLATION) or kind in PAIRS:
        _text(fields, "name")
        if kind in PAIRS:
            _text(fields, "library" if kind == clone.PLUGIN_2 else "value")


def _command(fields: FieldReader, kind: int) -> None:
    if kind == clone.ACK:
        fields.number(4, lambda number: f"error of the recipient: {number}" if number else "no error")
    elif kind in (clone.INIT, clone.ATTACH, clone.REINIT):
        fields.number(4, lambda number: f"version of CLONE's protocol: 0x{number:04x}")
        fields.number(4, lambda number: f"may wait {number & 0x7FFFFFFF} s for statements that change tables")


def _text(fields: FieldReader, what: str) -> None:
    size = fields.number(4, lambda number: f"length of the {what}: {number}")
    if size:
        fields.take(size, lambda raw: f"{what} {show_bytes(raw, limit=TEXT_LIMIT)}")


def _innodb(fields: FieldReader) -> None:
    """Explain what InnoDB says of its data: numbers with the highest byte first."""
    if fields.left < 12:
        return
    fields.big_endian(4, lambda number: f"version {number}")
    fields.big_endian(4, lambda number: f"length with this header: {plural(number, 'byte')}")
    fields.big_endian(4, lambda number: f"about {KINDS.get(number, 'what is not known here')}")
    fields.rest(lambda raw: f"the rest of it, {plural(len(raw), 'byte')}")
