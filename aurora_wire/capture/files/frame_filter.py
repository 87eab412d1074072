"""A filter in tcpdump's language, over frames of a file: compiled and run by libpcap, once for each link type."""

from __future__ import annotations

import ctypes
from typing import Final

from aurora_wire.capture.live.bpf import DLT_EN10MB, Program, compile_expression, instructions, load_libpcap
from aurora_wire.errors import UsageError

# Link types of files whose number in libpcap is another one. Source: libpcap, pcap-common.c.
DLT_OF_LINK_TYPE: Final = {100: 11, 101: 12, 102: 15, 103: 16}


class FrameFilter:
    """Says which frames a filter takes. Raises UsageError where the expression is wrong, or libpcap is missing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._library = load_libpcap()
        self._library.bpf_filter.restype = ctypes.c_uint
        self.left_out = 0   # frames
        self._programs: dict[int, object] = {}
        try:
            self._program(DLT_EN10MB)
        except UsageError as error:
            try:  # what is right for other link types only, such as `wlan`
                compile_expression(self._library, text, 105)
            except UsageError:
                raise error from None

    def _program(self, link_type: int) -> object:
        """Return the program for a link type, None where nothing of it can match. Raises UsageError."""
        compiled: Program = compile_expression(self._library, self.text, DLT_OF_LINK_TYPE.get(link_type, link_type))
        self._programs[link_type] = instructions(compiled)
        return self._programs[link_type]

    def takes(self, data: bytes, original_len: int, link_type: int) -> bool:
        """Return whether the filter takes this frame."""
        if link_type in self._programs:
            program = self._programs[link_type]
        else:
            try:
                program = self._program(link_type)
            except UsageError:
                program = self._programs[link_type] = None
        taken = program is not None and bool(self._library.bpf_filter(program, data, original_len, len(data)))
        self.left_out += not taken
        return taken
