"""Analyse a bundle's captures; paths in the result are relative to the bundle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from aurora_wire.analysis.options import OnProgress, ScanOptions
from aurora_wire.analysis.scan import scan, uninterrupted
from aurora_wire.evidence.layout import POSTURE_TEXT, REPORTS, RESULT
from aurora_wire.posture.result import Posture
from aurora_wire.redact.masker import Masker, key_of_captures
from aurora_wire.report import scan_json as json_report
from aurora_wire.report.posture import text as posture_report
from aurora_wire.report.text import report as text
from aurora_wire.verdict.result import Scan

Renderer = Callable[[Scan, bool, Sequence[Posture]], Iterator[str]]


def _posture_text(_: Scan, __: bool, postures: Sequence[Posture]) -> Iterator[str]:
    for number, posture in enumerate(postures):
        if number:
            yield "\n"
        yield f"{posture.kind}, exit code {posture.exit_code}\n\n"
        yield from posture_report.render(posture, everything=True)


# File in the bundle: the report that it is, from a result, "masked?" and what servers allow. Made again, it has to be
# the same bytes.
RENDERERS: Final[dict[str, Renderer]] = {
    RESULT: lambda result, masked, _: json_report.render(result, masked=masked),
    f"{REPORTS}report.txt": lambda result, _, __: text.render(result),
}


# Only where there are results of servers.
FOR_POSTURES: Final[dict[str, Renderer]] = {POSTURE_TEXT: _posture_text}


def _report_html(result: Scan, masked: bool, postures: Sequence[Posture]) -> Iterator[str]:
    from aurora_wire.report.html import render as html  # noqa: PLC0415 - Jinja2 is slow to load
    from aurora_wire.report.html.posture import build_allowed  # noqa: PLC0415

    allowed = build_allowed(postures, result) if postures else None
    return html.render(result, redact=masked, masked=masked, allowed=allowed)


# The same for reports whose bytes depend on the version of a library, and that are left out where it is missing.
BY_LIBRARY: Final[dict[str, tuple[str, Renderer]]] = {
    f"{REPORTS}report.html": ("jinja2", _report_html),
}


def analyse(
    folder: Path, names: Sequence[str], options: ScanOptions, on_progress: OnProgress | None = None
) -> Scan:
    """Return the result of `names` in `folder`, in which they are called by these names.

    Raises CaptureError and UsageError as `scan` does; KeyboardInterrupt where it was not read to its end.
    """
    paths = {str(folder / name): name for name in names}
    result = scan(list(paths), options, on_progress=on_progress)
    return renamed(uninterrupted(result), paths)


def renamed(result: Scan, paths: Mapping[str, str]) -> Scan:
    """Return a copy with every path in it (and in what is said about it) replaced."""

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


def make_masker(case_id: str, captures: Sequence[str | Path]) -> Masker:
    """Create the masker keyed with the captures' digest."""
    return Masker(key_of_captures(case_id, captures))


def write_reports(
    result: Scan, folder: Path, *, masked: bool, by_library: bool = False, postures: Sequence[Posture] = ()
) -> dict[str, Path]:
    """Return the reports of a bundle, written below `folder`: by name in the bundle. by_library: those of BY_LIBRARY,
    too; postures: what servers allow, masked if that is wanted.
    """
    wanted = {**RENDERERS, **(FOR_POSTURES if postures else {})}
    if by_library:
        wanted.update(
            (name, render) for name, (library, render) in BY_LIBRARY.items() if find_spec(library) is not None
        )
    written: dict[str, Path] = {}
    for name, render in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for piece in render(result, masked, postures):
                file.write(piece)
        written[name] = path
    return written
