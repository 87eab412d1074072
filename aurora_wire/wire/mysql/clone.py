"""CLONE: a server copies another's data folder. From COM_CLONE and its OK on, all packets have sequence id 0.

Source: MySQL Server source, plugin/clone/include/clone.h and clone_server.cc ("Command_RPC", "Command_Response"). The
files are counted, not read.
"""

from typing import Final

from mypy_extensions import i64

from aurora_wire.binary import u32
from aurora_wire.wire.mysql.facts import MySQLFacts
from aurora_wire.wire.mysql.replication import DONOR_NAME_COST, MAX_DONOR_NAMES, Clone

COMMANDS: Final = {1: "init", 2: "attach", 3: "reinit", 4: "execute", 5: "ack", 6: "exit"}

INIT: Final[i64] = 1
ATTACH: Final[i64] = 2
REINIT: Final[i64] = 3
EXECUTE: Final[i64] = 4
ACK: Final[i64] = 5
EXIT: Final[i64] = 6

# What a donor sends.
LOCATORS: Final[i64] = 1
DESCRIPTOR: Final[i64] = 2
DATA: Final[i64] = 3
PLUGIN: Final[i64] = 4
CONFIG: Final[i64] = 5
COLLATION: Final[i64] = 6
PLUGIN_2: Final[i64] = 7
CONFIG_3: Final[i64] = 8
CONFIG_4: Final[i64] = 9
COMPLETE: Final[i64] = 99
ERROR: Final[i64] = 100

MAX_KEPT: Final[i64] = 256          # bytes kept of a name or value
CLONE_COST: Final[i64] = 2000


def note_clone(facts: MySQLFacts, frame: i64 = -1, offset: i64 = -1) -> Clone:
    """Note that a CLONE goes on, and return what is known of it. frame, offset: of COM_CLONE; -1: nobody saw it."""
    made = facts.clone
    if made is None:
        made = Clone(frame, offset)
        facts.clone = made
        facts.charge(CLONE_COST)
    return made


def note_clone_command(facts: MySQLFacts, command: i64, frame: i64, offset: i64) -> None:
    """Note a command of who clones."""
    clone = note_clone(facts)
    if clone.asked_frame < 0:
        clone.asked_frame = frame
        clone.asked_offset = offset
    clone.commands[command] = clone.commands.get(command, 0) + 1
    clone.complete = False


def note_clone_response(
    facts: MySQLFacts, data: bytes, at: i64, end: i64, total: i64, frame: i64, offset: i64
) -> None:
    """Note what a donor sent: `total` bytes of it, of which data[at:end] are here."""
    if at >= end:
        return
    clone = note_clone(facts)
    kind: i64 = data[at]
    if clone.frame < 0 or (clone.packets == 0 and kind == DATA):
        clone.frame = frame
        clone.offset = offset
    if kind == DATA:
        clone.packets += 1
        clone.bytes += total - 1
    elif kind == DESCRIPTOR:
        clone.descriptors += 1
    elif kind in (PLUGIN, PLUGIN_2):
        name = _text(data, at + 1, end)
        if name and len(clone.plugins) < MAX_DONOR_NAMES and name not in clone.plugins:
            if facts.afford(DONOR_NAME_COST, False, frame, -1, offset):
                clone.plugins.append(name)
    elif kind in (CONFIG, CONFIG_3, CONFIG_4):
        clone.settings += 1
    elif kind == COMPLETE:
        clone.complete = True
    elif kind == ERROR and not clone.error:
        begin = at + 1
        if end - at > 5 and data[at + 3] == 0 and data[at + 4] == 0:
            begin += 4  # its number
        clone.error = data[begin : end if end - begin <= MAX_KEPT else begin + MAX_KEPT].rstrip(b"\0")


def _text(data: bytes, at: i64, end: i64) -> bytes:
    """Return the text whose length of 32 bits is at `at`, as far as it is kept; empty where it is not there."""
    stop = at + 4
    if stop <= end:
        stop += u32(data, at)
    if stop > end:
        return b""
    return data[at + 4 : stop if stop <= at + 4 + MAX_KEPT else at + 4 + MAX_KEPT]
