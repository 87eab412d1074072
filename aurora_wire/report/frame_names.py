"""How reports name a frame: `17` where there is one capture, `night.pcap:17` where there are several.

The number is that of the frame in its own capture, as Wireshark and `aurora-wire packets` of that capture alone
have it. A capture goes by the last part of its path, and by more of it where that would be two captures' name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aurora_wire.report.escape import show_text
from aurora_wire.report.text.table import SHORTEST, cut_to
from aurora_wire.verdict.frame_places import FramePlaces
from aurora_wire.verdict.result import CaptureResult, Scan


class FrameNames:
    """Names the frames of one scan, by their numbers in the order read.

    captures, places: those of a Scan, or of one that is still read: they are looked at when asked. several: whether
    there are, or will be, several captures (None: as many as there are). limit: characters of a capture's name, 0 for
    all.
    """

    def __init__(
        self,
        captures: Sequence[CaptureResult],
        places: FramePlaces | None = None,
        *,
        several: bool | None = None,
        limit: int = 0,
    ) -> None:
        self._captures = captures
        self._places = places
        if places is None or (several is None and places.is_empty()):
            self._places = FramePlaces()
            for index, capture in enumerate(captures):
                self._places.add(capture.first_frame, index, 1)
        self.several = len(captures) > 1 if several is None else several
        self._limit = limit
        self._names: list[str] = []

    def locate(self, frame: int) -> tuple[int, int] | None:
        """Return the index of the capture that `frame` is in, and its number there; None where that is not known."""
        place = None if self._places is None else self._places.locate(frame)
        return place if place is not None and place[0] < len(self._captures) else None

    def find_capture(self, frame: int) -> CaptureResult | None:
        """Return the capture that `frame` is in."""
        if len(self._captures) == 1 and not self.several:
            return self._captures[0]
        place = self.locate(frame)
        return None if place is None else self._captures[place[0]]

    def path(self, index: int) -> str:
        """Return the path of a capture, as it was given."""
        return self._captures[index].path

    def name(self, frame: int) -> str:
        """Return `17`, or `night.pcap:17` where there are several captures. On one line, escaped."""
        if not self.several:
            return str(frame)
        place = self.locate(frame)
        if place is None:
            return f"{frame} of all captures"
        return f"{self.capture_name(place[0])}:{place[1]}"

    def optional(self, frame: int | None) -> str | None:
        return None if frame is None else self.name(frame)

    def span(self, first: int, last: int) -> str:
        """Return `1 to 40`, `night.pcap:1 to 40`, `night.pcap:17 to late.pcap:3`."""
        begin, end = self.name(first), self.name(last)
        places = self.locate(first), self.locate(last)
        if self.several and places[0] is not None and places[1] is not None and places[0][0] == places[1][0]:
            end = str(places[1][1])
        return f"{begin} to {end}"

    def capture_name(self, index: int) -> str:
        """Return the name of a capture: no other one has the same."""
        if len(self._names) != len(self._captures):
            self._names = choose_names([capture.path for capture in self._captures], self._limit)
        return self._names[index]


def frame_names(scan: Scan, limit: int = 0) -> FrameNames:
    """Return the frame names of a finished scan."""
    return FrameNames(scan.captures, scan.frame_places, limit=limit)


def choose_names(paths: Sequence[str], limit: int = 0) -> list[str]:
    """Return a short name for each path, escaped and told apart from the others; limit: its characters, 0 for all."""
    from pathlib import PurePath  # noqa: PLC0415 - slow to load, and only for several captures

    parts = [PurePath(path).parts or (path,) for path in paths]
    length = [1] * len(paths)
    names = [show_text("/".join(one[-1:])) for one in parts]
    while True:
        same = Counter(names)
        longer = [at for at, name in enumerate(names) if same[name] > 1 and length[at] < len(parts[at])]
        if not longer:
            break
        for at in longer:
            length[at] += 1
            names[at] = show_text("/".join(parts[at][-length[at] :]).replace("//", "/"))
    if limit <= 0:
        return names
    shown = [cut_to(name, max(limit, SHORTEST)) for name in names]
    if len(set(shown)) < len(set(names)):
        # Rotated files differ at their ends.
        shown = [name if len(name) <= limit else ".." + name[-max(limit - 2, SHORTEST - 2) :] for name in names]
    return shown if len(set(shown)) == len(set(names)) else names
