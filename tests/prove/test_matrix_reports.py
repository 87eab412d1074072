"""The matrix to be passed on, as Markdown and as a page: all of it, escaped, and without the name of the user."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aurora_wire.errors import UsageError
from aurora_wire.prove import run as prove_run
from aurora_wire.prove.cell import Result, without_run
from aurora_wire.prove.drivers.driver import Ability, ErrorKind, Failure, Found, Mode, Outcome
from aurora_wire.prove.matrix import Matrix
from aurora_wire.prove.run import ProveOptions
from aurora_wire.report.formats import FORMATS, MATRIX_NAMES, ReportOptions, find_format
from aurora_wire.report.text import prove as matrix_text
from aurora_wire.report.wording import Style
from tests.prove.test_matrix import IN_CLEAR, IN_TLS, PLAIN, good, judged, matrix, outcome
from tests.report.test_markdown import ACTIVE, COMMENT, EVIL, TAGS, Page


def shown(found: Matrix, name: str, **options: Any) -> str:
    return "".join(find_format(name).render_matrix(found, ReportOptions(**options)))


def with_words(evil: str) -> Matrix:
    said = outcome(Mode.OFF, tls=False, server_version=evil, version=evil, asked=evil)
    said.error = Failure(ErrorKind.SQL, evil)
    cell = judged(said, replace(IN_CLEAR, connections=(replace(PLAIN, server_version=evil),)))
    return replace(matrix(cell, modes=(Mode.OFF,)), host=evil, database=evil, how_reason=evil, user=evil)


def test_the_formats_of_a_matrix_are_those_of_the_registry() -> None:
    assert MATRIX_NAMES == "text, json, html, markdown"
    assert {name for name, row in FORMATS.items() if row.matrix} == set(MATRIX_NAMES.split(", "))
    with pytest.raises(UsageError, match="whose matrix goes to text, json, html, markdown"):
        find_format("sarif").load_matrix()


def test_markdown_has_the_answer_first_the_table_and_the_same_insert_twice() -> None:
    text = shown(good(), "markdown")
    page = Page(text)
    assert text.startswith("## \u2705 Every client did as its mode promises\n")
    assert page.tags <= TAGS
    assert "PLAINTEXT" in page.codes
    assert "TLSv1.3 AES-256-GCM" in page.codes
    assert "readable" in text
    assert "frame 19" in text
    assert sum("0x0000:" in each for each in page.codes) == 2


def test_a_leak_in_a_mode_that_promises_tls_is_the_headline() -> None:
    leak = matrix(judged(outcome(Mode.REQUIRED, tls=False), IN_CLEAR), modes=(Mode.REQUIRED,))
    for name in ("markdown", "html"):
        assert "Something crossed in the clear in a mode that promises TLS" in shown(leak, name)
        assert "1 of 1 cells crossed in the clear" in shown(leak, name)


@pytest.mark.parametrize("evil", EVIL)
def test_markdown_makes_nothing_of_what_servers_and_clients_said(evil: str) -> None:
    page = Page(shown(with_words(evil), "markdown", reveal=True))
    assert page.tags <= TAGS
    assert page.comments == []
    assert len(set(page.cells)) == 1
    assert not ACTIVE.search(" ".join(page.outside))


def test_markdown_fits_into_a_comment_however_large_the_matrix_is() -> None:
    cells = [
        replace(cell, client=f"client-{number}", reasons=["x" * 5000] * 9)
        for number in range(200) for cell in good().cells
    ]  # fmt: skip
    text = shown(matrix(*cells), "markdown")
    assert len(text) < COMMENT
    assert "160 more clients" in text


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_the_name_of_the_user_is_masked_unless_it_is_asked_for(name: str) -> None:
    said = outcome(Mode.REQUIRED, tls=True, rows=())
    said.error = Failure(ErrorKind.ACCESS_DENIED, "Access denied for user 'payroll'@'10.0.0.1'", 1045)
    found = replace(matrix(judged(said, IN_TLS), modes=(Mode.REQUIRED,)), user="payroll")
    assert "payroll" not in shown(found, name)
    assert "*******" in shown(found, name)
    assert "payroll" in shown(found, name, reveal=True)
    assert found.user == "payroll"


def test_the_page_has_every_cell_and_is_ascii() -> None:
    pytest.importorskip("jinja2")
    cells = [*good().cells, without_run("mysql", Mode.OFF, Result.NOT_INSTALLED, "not installed: apt <b>")]
    text = shown(matrix(*cells), "html")
    assert text.isascii()
    for words in ("PLAINTEXT", "TLSv1.3 AES-256-GCM", "not installed: apt &lt;b&gt;", "Readable: frame 19",
                  "Encrypted: frame 19", "on-clear"):
        assert words in text
    assert shown(with_words("<script>alert(1)</script>"), "html").count("<script>") == 1, "our own"


def test_a_page_is_written_where_its_files_can_no_longer_be_read(tmp_path: Path) -> None:
    """As `prove` does when it has given up rights: all is loaded before."""
    pytest.importorskip("jinja2")
    code = (
        "import os, sys\n"
        "from aurora_wire.report.formats import ReportOptions, find_format\n"
        "from tests.prove.test_matrix import good\n"
        "row = find_format('html'); row.load_matrix()\n"
        "real = os.open\n"
        "import builtins, io\n"
        "def closed(*_, **__): raise PermissionError(13, 'nothing may be opened')\n"
        "builtins.open = io.open = io.open_code = os.open = closed\n"
        "text = ''.join(row.render_matrix(good(), ReportOptions()))\n"
        "sys.stdout.write(text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]
    assert "What is behind each cell" in done.stdout


class _KeyLogger:
    """A client that can write a key log, and whose run leaves no trace."""

    version = ""

    def find(self) -> Found:
        return Found("1", "x", dict.fromkeys(Mode, "(nothing)"), abilities=frozenset((Ability.KEY_LOG,)))

    def run(self, task: Any) -> Outcome:
        assert task.key_log == ""
        return replace(outcome(task.mode, tls=True))


def test_a_missing_extra_is_called_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_run, "is_available", lambda: False)
    wanted = ProveOptions("h", 3306, "u", "p", "d", ["one"], [Mode.REQUIRED])
    evidence = replace(IN_TLS, connections=(replace(IN_TLS.connections[0], inside=(), proof="structure"),))
    watcher = cast(Any, SimpleNamespace(
        how="live on lo", connect_port=0, begin=lambda: None, end=lambda *_, **__: (evidence, b""),
    ))  # fmt: skip
    found = prove_run._matrix(wanted, cast(Any, {"one": _KeyLogger()}), watcher, "", None, lambda _: None, None)
    text = "\n".join(matrix_text.render(found, Style(400)))
    assert "pip install 'aurora_wire[keylog]'" in text
    assert "writes no key log" not in text
    assert found.cells[0].result == Result.TLS


def test_keys_that_cannot_be_kept_are_not_dropped_in_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prove_run, "is_available", lambda: False)
    wanted = ProveOptions(
        "h", 3306, "u", "p", "d", ["pymysql"], [Mode.REQUIRED], keep=str(tmp_path / "k"), keep_keys=True
    )
    with pytest.raises(UsageError, match=r"--keep-keys: .*aurora_wire\[keylog\]"):
        prove_run.prove(wanted, lambda _: None)
    assert not (tmp_path / "k").exists()


class _Choosy:
    """A client whose login without TLS the server refuses, and with it takes."""

    version = ""
    tried: list[str]

    def __init__(self, *, wrong_password: bool) -> None:
        self.tried = []
        self.wrong_password = wrong_password

    def find(self) -> Found:
        return Found("1", "x", dict.fromkeys(Mode, "(nothing)"))

    def run(self, task: Any) -> Outcome:
        self.tried.append(task.mode.value)
        if self.wrong_password or task.mode == Mode.OFF:
            denied = Failure(ErrorKind.ACCESS_DENIED, "Access denied for user 'u'@'h'", 1045)
            return Outcome("x", task.mode, error=denied)
        return outcome(task.mode, tls=True)


@pytest.mark.parametrize(("wrong_password", "tried"), [(True, ["required"]), (False, ["required", "off"])])
def test_a_login_that_went_through_once_is_tried_again_where_it_is_refused_for_want_of_tls(
    wrong_password: bool, tried: list[str]
) -> None:
    wanted = ProveOptions("h", 3306, "u", "p", "d", ["one", "two"], [Mode.OFF, Mode.REQUIRED])
    watcher = cast(Any, SimpleNamespace(
        how="live on lo", connect_port=0, begin=lambda: None, end=lambda *_, **__: (IN_TLS, b""),
    ))  # fmt: skip
    one, two = _Choosy(wrong_password=wrong_password), _Choosy(wrong_password=wrong_password)
    prove_run._matrix(wanted, cast(Any, {"one": one, "two": two}), watcher, "", None, lambda _: None, None)
    assert one.tried == tried
    assert two.tried == ([] if wrong_password else tried)
