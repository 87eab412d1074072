"""The report to look at and to hand over: one HTML file that needs nothing else, and no network.

Its style and its small script are inside, allowed by their hashes and nothing else is (Content-Security-Policy).
The script only filters and unfolds: without it all is there. Jinja2 escapes every value for HTML; everything from
the wire or a file name was made visible before (`escape.py`).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from aurora_wire.errors import UsageError
from aurora_wire.report.html.cover import Case
from aurora_wire.report.html.frames import Frames
from aurora_wire.report.html.impact import ImpactTable
from aurora_wire.report.html.page import build_page
from aurora_wire.verdict.result import Scan

if TYPE_CHECKING:
    from jinja2 import Environment

    from aurora_wire.report.html.posture import Allowed

MISSING: Final = "the HTML report needs the package Jinja2: pip install 'aurora_wire[report]'"
PIECE: Final = 64   # of Jinja's small pieces, put together


def require_jinja() -> None:
    """Raise UsageError if Jinja2 is missing: before captures are read, not after."""
    if importlib.util.find_spec("jinja2") is None:
        raise UsageError(MISSING)


def prepare(*templates: str) -> None:
    """Load what these templates are made from. Raises UsageError if Jinja2 is missing."""
    require_jinja()
    for name in templates:
        _environment().get_template(name)


def page(scan: Scan, *, compose: Callable[[Scan], Iterator[str]] | None = None) -> Iterator[str]:
    """Return the page as `--format html` has it: by `compose`, where the command passes it, else without bytes."""
    return render(scan) if compose is None else compose(scan)


def render(
    scan: Scan,
    *,
    frames: Frames | None = None,
    redact: bool = True,
    masked: bool = False,
    frameworks: Sequence[str] = (),
    command: Sequence[str] = (),
    impact: ImpactTable | None = None,
    allowed: Allowed | None = None,
    case: Case | None = None,
    appendix: bool = False,
) -> Iterator[str]:
    """Yield pieces of the file: ASCII, so that it reads the same whatever it is written through.

    frames: what `html_frames.gather` found; without it the report shows no bytes, and of a timeline the statements
    only. redact: mask literals and users; masked: the scan is so already. frameworks: keys of
    `verdict.frameworks.FRAMEWORKS` to order by. command: how the report was made, as a list of arguments.
    impact: who would break without plaintext, not masked here; None: that part is left out. allowed: what the servers
    allow (`html.posture.build_allowed`), not masked here; None: that part is left out. case: what is said of it on page
    one, as it is; appendix: on paper all is there, and not the short form.
    """
    page = build_page(
        scan,
        frames or Frames(note="The captures were not looked at again: no bytes are shown, and of each connection only "
                              "the statements."),
        redact=redact, masked=masked, frameworks=frameworks, command=command, impact=impact,
        case=case, appendix=appendix,
    )  # fmt: skip
    page.allowed = allowed
    yield from write_page("report.html", page)


def write_page(template: str, page: object) -> Iterator[str]:
    """Yield pieces of a page: ASCII. template: the file of the whole page; page: what it is given as `page`."""
    require_jinja()
    environment = _environment()
    style, script = _source(environment, "style.css"), _source(environment, "script.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    stream = environment.get_template(template).stream(page=page, policy=policy)
    stream.enable_buffering(PIECE)
    for piece in stream:
        yield piece.encode("ascii", "xmlcharrefreplace").decode("ascii")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - an extra, and slow to load

    # All of them at once: `prove` gives up rights, and may no longer enter the folder when it writes.
    files = (resources.files("aurora_wire.report.html") / "templates").iterdir()
    environment = Environment(
        loader=DictLoader({file.name: file.read_text(encoding="utf-8") for file in files}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = "{:,}".format
    environment.globals["source"] = lambda name: _markup(_source(environment, name))
    return environment


def _source(environment: Environment, name: str) -> str:
    """Return a file beside the templates, as it is."""
    loader = environment.loader
    if loader is None:
        raise AssertionError(name)
    return loader.get_source(environment, name)[0]


def _markup(text: str) -> object:
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    return Markup(text)  # noqa: S704 - our own files: style and script


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
