"""Results as they may be passed on: values, users and what servers quote are masked under the captures' own key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from aurora_wire.errors import CaptureError
from aurora_wire.immutable import immutable, replace
from aurora_wire.report.formats import KEYED, STARS

if TYPE_CHECKING:
    from aurora_wire.redact.masker import Masker
    from aurora_wire.verdict.result import Scan


@immutable
class HandedOver:
    """A masked result.

    keyed: by tokens that are equal for equal values; otherwise its statements are still to be masked where they are
    shown; name: masks another user's name alike.
    """

    scan: Scan
    keyed: bool
    name: Callable[[str], str]


def hand_over(scan: Scan, kind: str = KEYED) -> HandedOver:
    """Mask a result. kind: as `Format.posted`.

    The key comes from the captures' bytes; those of standard input cannot be read again: they get stars, too.
    """
    from pathlib import Path  # noqa: PLC0415 - not for a text alone

    from aurora_wire.redact.groups import redact_groups  # noqa: PLC0415
    from aurora_wire.report.html.connections import hide  # noqa: PLC0415 - not for --help
    from aurora_wire.report.html.frames import can_be_read_again  # noqa: PLC0415
    from aurora_wire.report.posture.mask import stars  # noqa: PLC0415

    if kind == STARS or not can_be_read_again(scan):
        masked = replace(scan, connections=[hide(one) for one in scan.connections], groups=redact_groups(scan))
        return HandedOver(_with_filter_masked(masked, stars), keyed=False, name=stars)
    from aurora_wire.evidence.reanalysis import make_masker  # noqa: PLC0415

    masker = make_masker("", [Path(capture.path) for capture in scan.captures if capture.format != "unreadable"])
    return HandedOver(_with_filter_masked(masker.scan(scan), masker.text), keyed=True, name=masker.text)


def masker_before(paths: Sequence[str]) -> Masker | None:
    """Return what masks a result as `hand_over` does, before the captures are judged; None where they cannot be read
    twice. Raises UsageError where a path names no capture.
    """
    from pathlib import Path  # noqa: PLC0415 - not for a text alone

    from aurora_wire.analysis.clocks import aligned  # noqa: PLC0415 - not for --help
    from aurora_wire.capture.files.inputs import find_inputs  # noqa: PLC0415
    from aurora_wire.capture.files.open import STANDARD_INPUT, open_capture  # noqa: PLC0415
    from aurora_wire.evidence.reanalysis import make_masker  # noqa: PLC0415

    captures: list[Path] = []
    for path, _ in aligned(find_inputs(list(paths)).captures)[0]:
        if path == STANDARD_INPUT or not Path(path).is_file():
            return None
        with suppress(CaptureError), open_capture(path, hash_input=False):
            captures.append(Path(path))
    return make_masker("", captures)


def _with_filter_masked(scan: Scan, name: Callable[[str], str]) -> Scan:
    """Mask the users that a filter names, where it is told and in the closing sentence."""
    users = scan.filters.get("user")
    if users is None:
        return scan
    masked = ", ".join(map(name, users.split(", ")))
    closing = scan.closing.replace(f"--user {users}", f"--user {masked}", 1)
    return replace(scan, closing=closing, filters={**scan.filters, "user": masked})
