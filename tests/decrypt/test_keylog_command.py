"""`aurora-wire scan --keylog`: what it prints, what it refuses in one line, what it imports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.running import python, run
from tests.conversations import Conversation, play
from tests.conversations.sessions import SECRET, tls13
from tests.decrypt.openings import LoggedSession, need_cryptography
from tests.report.schemas import schema

need_cryptography()

SCHEMA = schema("scan")
SQL = SECRET.decode()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A capture and its key log."""
    folder = tmp_path_factory.mktemp("files")
    made = LoggedSession(folder)
    made.mysql()
    return str(play(made.steps).write(folder / "capture.pcap")), str(made.path)


def secrets_of(keys: str) -> list[str]:
    return [line.split()[2] for line in Path(keys).read_text().splitlines() if not line.startswith("#")]


def scanned(*arguments: str) -> Any:
    done = run("scan", "--format", "json", *arguments)
    assert done.stderr == b""
    value = json.loads(done.stdout)
    jsonschema.validate(value, SCHEMA)
    return value


def test_the_text_report_shows_statements_as_inside_tls(files: tuple[str, str]) -> None:
    capture, keys = files
    done = run("scan", capture, "--keylog", keys)
    shown = done.stdout.decode()
    assert done.returncode == 0
    assert "Inside TLS (key log): 1 connection decrypted, 2 statements" in shown
    assert "connection 1, app@10.0.0.5:50152 to 10.0.0.9:3306, database shop: MySQL inside TLS" in shown
    assert SQL in shown
    assert "in the clear\n" not in shown.partition("Inside TLS")[0]
    assert "4 secrets" in shown
    assert not any(secret in shown for secret in secrets_of(keys))


def test_json_has_what_was_inside_under_tls_and_nowhere_else(files: tuple[str, str]) -> None:
    capture, keys = files
    value = scanned(capture, "--keylog", keys)
    (connection,) = value["connections"]
    decrypted = connection["tls"]["decrypted"]
    assert (connection["proof"], connection["statements"], connection["user"]) == ("key log", [], None)
    assert (decrypted["user"], decrypted["database"], decrypted["not_decrypted"]) == ("app", "shop", None)
    assert [one["sql"] for one in decrypted["statements"]] == [SQL, "SELECT id, body FROM notes"]
    assert decrypted["statements_total"] == 2
    assert value["keylogs"] == [{"path": keys, "secrets": 4, "unused": 1, "ignored": 0, "left_out": 0}]
    assert not any(secret in json.dumps(value) for secret in secrets_of(keys))


def test_without_a_key_log_json_says_that_there_was_none(files: tuple[str, str]) -> None:
    value = scanned(files[0])
    assert value["connections"][0]["tls"]["decrypted"] is None
    assert value["keylogs"] == []


def test_redact_masks_what_was_inside_as_well(files: tuple[str, str]) -> None:
    capture, keys = files
    for form in ("text", "json", "jsonl"):
        done = run("scan", capture, "--keylog", keys, "--redact", "--format", form)
        assert b"INSERT INTO notes" in done.stdout
        assert b"Canary" not in done.stdout


def test_json_lines_have_it_with_the_connection(files: tuple[str, str]) -> None:
    capture, keys = files
    done = run("scan", capture, "--keylog", keys, "--format", "jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    about_the_certificate = [line for line in lines if line["type"] == "finding"]
    assert [line["rule"] for line in about_the_certificate] == ["AW607", "AW616"]
    assert [line["type"] for line in lines if line not in about_the_certificate] == ["connection", "capture", "summary"]
    assert lines[0]["tls"]["decrypted"]["statements"][0]["sql"] == SQL


def test_several_key_logs_are_used_together(files: tuple[str, str], tmp_path: Path) -> None:
    capture, keys = files
    lines = Path(keys).read_text().splitlines(keepends=True)
    halves = [tmp_path / "client", tmp_path / "server"]
    halves[0].write_text("".join(line for line in lines if line.startswith("CLIENT")))
    halves[1].write_text("garbage\n" + "".join(line for line in lines if line.startswith("SERVER")))
    value = scanned(capture, "--keylog", str(halves[0]), "--keylog", str(halves[1]))
    assert value["connections"][0]["proof"] == "key log"
    assert [(one["secrets"], one["ignored"]) for one in value["keylogs"]] == [(2, 0), (2, 1)]


def test_a_key_log_cut_off_in_the_middle_of_a_line_is_used_as_far_as_it_goes(
    files: tuple[str, str], tmp_path: Path
) -> None:
    capture, keys = files
    cut = tmp_path / "cut"
    cut.write_bytes(Path(keys).read_bytes().rstrip()[:-7])
    value = scanned(capture, "--keylog", str(cut))
    assert value["keylogs"][0]["ignored"] == 1
    assert value["connections"][0]["tls"]["decrypted"]["records"] > 0


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read (no such file or folder)"), (b"garbage\n" * 3, "no TLS key log: none of its 3 lines")],
)
def test_what_is_no_key_log_is_refused_in_one_line(
    files: tuple[str, str], tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    done = run("scan", files[0], "--keylog", str(path))
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert said in line


def test_a_report_never_replaces_the_key_log(files: tuple[str, str]) -> None:
    capture, keys = files
    before = Path(keys).read_bytes()
    done = run("scan", capture, "--keylog", keys, "-o", keys)
    assert done.returncode == 2
    assert b"this is one of the inputs" in done.stderr
    assert Path(keys).read_bytes() == before


WITHOUT = """
import sys
sys.modules['cryptography'] = None
from aurora_wire.cli import main
code = main(['scan', {arguments}])
sys.stdout.flush()
print('exit', code)
"""


def test_without_cryptography_a_key_log_is_refused_in_one_line(files: tuple[str, str]) -> None:
    capture, keys = files
    program = WITHOUT.format(arguments=f"{capture!r}, '--keylog', {keys!r}")
    said = python(
        "import contextlib, io, sys\n"
        "with contextlib.redirect_stderr(io.StringIO()) as errors:\n"
        + "".join(f"    {line}\n" for line in program.split("\n"))
        + "print(errors.getvalue())\n"
    )
    assert said.splitlines() == [
        "exit 2",
        "aurora-wire: decrypting TLS records needs the package cryptography: pip install 'aurora_wire[keylog]'",
        "",
    ]


def test_without_cryptography_a_pcapng_with_keys_is_judged_without_them(files: tuple[str, str], tmp_path: Path) -> None:
    from tests.decrypt.test_tls_open import with_secrets

    made = LoggedSession(tmp_path)
    made.mysql()
    path = tmp_path / "capture.pcapng"
    path.write_bytes(with_secrets(play(made.steps).packets, made.keys))
    said = python(WITHOUT.format(arguments=repr(str(path))))
    assert "ENCRYPTED (proven)" in said
    assert "not decrypted: decrypting TLS records needs the package cryptography" in " ".join(said.split())
    assert said.endswith("exit 0\n")


def test_nothing_of_this_is_imported_where_there_is_no_key_log(tmp_path: Path) -> None:
    path = play(tls13(), Conversation()).write(tmp_path / "capture.pcap")
    loaded = python(
        f"import sys; from aurora_wire.cli import main; main(['scan', {str(path)!r}]); print(*sys.modules)"
    ).split()
    assert "aurora_wire.analysis.scan" in loaded
    unwanted = [name for name in loaded if name.startswith(("cryptography", "aurora_wire.decrypt."))]
    unwanted = [name for name in unwanted if name != "aurora_wire.decrypt.key_log_result"]  # part of every result
    assert unwanted == []
