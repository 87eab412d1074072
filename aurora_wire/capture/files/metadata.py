"""What a capture file says about how it was made: program, machine, interfaces, filters, what was lost.

Source: draft-ietf-opsawg-pcapng, options of the section header, the interface description and its statistics.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aurora_wire.capture.files.pcapng_options import Options
from aurora_wire.capture.files.raw_records import INTERFACE, SECTION_HEADER, STATISTICS, Record, records, uncompressed
from aurora_wire.errors import CaptureError
from aurora_wire.link_types import link_type_name
from aurora_wire.rights.inputs import input_file

MAX_INTERFACES: Final = 1000  # told of one capture
MAX_TEXT: Final = 2000

_SECTION: Final = {1: "comment", 2: "hardware", 3: "system", 4: "application"}
_INTERFACE: Final = {1: "comment", 2: "name", 3: "description", 11: "filter", 12: "system", 15: "hardware"}
_STATISTICS: Final = {
    4: "received", 5: "dropped_by_interface", 6: "accepted_by_filter", 7: "dropped_by_system", 8: "delivered",
}  # fmt: skip

Fields = dict[str, object]


def capture_notes(path: Path) -> Fields:
    """Return `snaplen` of a pcap, `sections` and `interfaces` of a pcapng; what the file does not say is left out."""
    notes: Fields = {}
    sections: list[Fields] = []
    interfaces: list[Fields] = []
    current: list[Fields] = []
    try:
        with input_file(path) as file:
            for record in records(uncompressed(str(path), file.read)):
                if record.kind == -1:
                    notes["snaplen"] = struct.unpack_from(record.order + "I", record.data, 16)[0]
                    break  # a pcap says no more
                if record.kind == SECTION_HEADER:
                    current = []
                    sections.append(_texts(record, 24, _SECTION))
                elif record.kind == INTERFACE and len(interfaces) < MAX_INTERFACES:
                    current.append(_interface(record))
                    interfaces.append(current[-1])
                elif record.kind == STATISTICS:
                    number = struct.unpack_from(record.order + "I", record.data, 8)[0]
                    if number < len(current):
                        current[number].update(_counters(record))
    except (CaptureError, struct.error):
        pass  # what is wrong with it is in the result
    if sections:
        notes["sections"] = [one for one in sections if one]
        notes["interfaces"] = interfaces
    return notes


def _interface(record: Record) -> Fields:
    link_type, _, snaplen = struct.unpack_from(record.order + "HHI", record.data, 8)
    return {"link_type": link_type_name(link_type), "snaplen": snaplen, **_texts(record, 16, _INTERFACE)}


def _texts(record: Record, at: int, wanted: dict[int, str]) -> Fields:
    found: Fields = {}
    for code, value in _options(record, at):
        name = wanted.get(code)
        if name is None:
            continue
        words = value
        if name == "filter":
            words = value[1:] if value[:1] == b"\0" else b"(compiled)"
        found[name] = words.rstrip(b"\0")[:MAX_TEXT].decode("utf-8", "replace")
    return found


def _counters(record: Record) -> Fields:
    return {
        _STATISTICS[code]: struct.unpack(record.order + "Q", value)[0]
        for code, value in _options(record, 20)
        if code in _STATISTICS and len(value) == 8
    }


def _options(record: Record, at: int) -> Iterator[tuple[int, bytes]]:
    options = Options(record.data, at, len(record.data) - 4, record.order == ">")
    while options.next():
        yield int(options.code), record.data[options.start : options.stop]
