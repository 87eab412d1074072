"""Captures of a case analysed, so that the result says their names in the bundle and not where they lay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from aurora_wire.analysis import OnProgress, scan
from aurora_wire.evidence.masking import Masker, key_of_captures
from aurora_wire.evidence.names import REPORTS, RESULT
from aurora_wire.report import json_report, text
from aurora_wire.verdict.result import Scan

Renderer = Callable[[Scan, bool], Iterator[str]]


def _result_json(result: Scan, masked: bool) -> Iterator[str]:
    return json_report.render(result, masked=masked)


def _report_text(result: Scan, _: bool) -> Iterator[str]:
    return text.render(result)


RENDERERS: Final[dict[str, Renderer]] = {  # file in the bundle: the report that it is, from a result and "masked?"
    RESULT: _result_json,
    f"{REPORTS}report.txt": _report_text,
}


def analyse(
    folder: Path, names: Sequence[str], ports: Sequence[int], *, only_ports: bool, on_progress: OnProgress | None = None
) -> Scan:
    """The result of `names` in `folder`, in which they are called by these names.

    Raises CaptureError and UsageError as `scan` does; KeyboardInterrupt where it was not read to its end.
    """
    paths = {str(folder / name): name for name in names}
    result = scan(list(paths), ports=ports, only_ports=only_ports, on_progress=on_progress)
    return renamed(uninterrupted(result), paths)


def uninterrupted(result: Scan) -> Scan:
    """The result, unless Ctrl-C cut it: half a result proves nothing. Raises KeyboardInterrupt."""
    if any((capture.error or "").endswith(": interrupted") for capture in result.captures):
        raise KeyboardInterrupt
    return result


def renamed(result: Scan, paths: Mapping[str, str]) -> Scan:
    """A copy with every path in it (and in what is said about it) replaced."""

    def say(words: str) -> str:
        for path, name in paths.items():
            words = words.replace(path, name)
        return words

    captures = [
        replace(one, path=say(one.path), error=None if one.error is None else say(one.error))
        for one in result.captures
    ]
    findings = [replace(one, detail=say(one.detail)) for one in result.findings]
    undecoded = [replace(one, reason=say(one.reason), remedy=say(one.remedy)) for one in result.undecoded]
    keylogs = [replace(one, path=say(one.path)) for one in result.keylogs]
    return replace(result, captures=captures, findings=findings, undecoded=undecoded, keylogs=keylogs)


def masker_of(case_id: str, captures: Sequence[Path]) -> Masker:
    """The one of a case: from the bytes of its captures."""
    return Masker(key_of_captures(case_id, captures))


def write_reports(result: Scan, folder: Path, *, masked: bool) -> dict[str, Path]:
    """Every report of a bundle, written below `folder`: by name in the bundle."""
    written: dict[str, Path] = {}
    for name, render in RENDERERS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for piece in render(result, masked):
                file.write(piece)
        written[name] = path
    return written
