"""What docs/adding.md says can be added, added from outside and seen to work: its own code is what is run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aurora_wire
from tests.cli.running import ENVIRONMENT
from tests.conversations import mysql, sessions
from tests.conversations.tcp import Conversation, pcap
from tests.plugins import registered

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "adding.md").read_text()
PACKAGE = Path(aurora_wire.__file__).parent


def section(title: str) -> list[str]:
    """Return the blocks of Python code under a heading."""
    text = re.split(r"^#+ ", DOCUMENT, flags=re.MULTILINE)
    (found,) = [one for one in text if one.startswith(f"{title}\n")]
    return re.findall(r"```python\n(.*?)```", found, re.DOTALL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources to change, which runs interpreted."""
    shutil.copytree(PACKAGE, tmp_path / "tree" / "aurora_wire", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return tmp_path / "tree" / "aurora_wire"


def run(copied: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of a copy."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "aurora_wire", *arguments], capture_output=True, text=True, timeout=120,
        env={**ENVIRONMENT, "PYTHONPATH": str(copied.parent)}, check=False, cwd=copied.parent,
    )  # fmt: skip


def insert(path: Path, before: str, text: str) -> None:
    """Put text before the one place in a file that says `before`."""
    source = path.read_text()
    assert source.count(before) == 1
    path.write_text(source.replace(before, text + before))


def recorded(folder: Path, user: bytes = b"root") -> str:
    """Return the path of a capture of a session in the clear."""
    steps = sessions.changed(sessions.plaintext(), login=mysql.login(user=user))
    path = folder / "plain.pcap"
    path.write_bytes(pcap(sessions.play(steps).packets))
    return str(path)


def test_a_rule_is_added_in_one_module(copy: Path, tmp_path: Path) -> None:
    number, text, check = section("A rule")
    leaks = copy / "verdict" / "rules" / "leaks.py"
    insert(leaks, "\nREQUIRE_TLS: Final = (", number)
    insert(leaks, ")\n\n\ndef check(", text)
    insert(leaks, "\n\ndef _files(", check)

    done = run(copy, "scan", recorded(tmp_path), "--format", "json")
    assert done.stderr == ""
    found = [one for one in json.loads(done.stdout)["findings"] if one["rule"] == "AW199"]
    assert [(one["severity"], one["title"], one["detail"]) for one in found] == [
        ("high", "Login as root in the clear", "the login names root")
    ]
    assert '"AW199"' not in run(copy, "scan", recorded(tmp_path, b"shop"), "--format", "json").stdout
    assert "Login as root in the clear" in run(copy, "rules", "AW199").stdout
    sarif = json.loads(run(copy, "scan", recorded(tmp_path), "--format", "sarif").stdout)
    (rule,) = [one for one in sarif["runs"][0]["tool"]["driver"]["rules"] if one["id"] == "AW199"]
    assert "4.2.1" in json.dumps(rule)  # PCI DSS: its controls came with it


def test_a_format_is_added_by_a_module_and_a_row(copy: Path, tmp_path: Path) -> None:
    (code,) = section("A report format")
    (copy / "report" / "verdicts.py").write_text(code.partition("\n\nVERDICTS")[0].replace("import aurora_wire\n", ""))
    row = '    Format("verdicts", "a verdict a line", f"{_REPORT}.verdicts:render"),\n'
    insert(copy / "report" / "formats.py", ')  # fmt: skip\n\nFORMATS: Final', row)

    assert run(copy, "scan", recorded(tmp_path), "--format", "verdicts").stdout == "10.0.0.9 plaintext\n"
    assert "verdicts: a verdict a line" in " ".join(run(copy, "scan", "--help").stdout.split())


def test_a_format_is_added_by_another_package(tmp_path: Path) -> None:
    (code,) = section("A report format")
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "verdicts.py").write_text(code)
    environment = registered(tmp_path, "aurora_wire.formats", "verdicts = verdicts:VERDICTS", modules)
    command = [sys.executable, "-m", "aurora_wire", "scan", recorded(tmp_path), "--quiet"]

    def scan(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *options], capture_output=True, text=True, env=environment, timeout=60, check=False
        )

    assert scan("--format", "verdicts").stdout == "10.0.0.9 plaintext\n"
    assert scan("--format", f"verdicts={tmp_path / 'out'}").returncode == 1
    assert (tmp_path / "out").read_text() == "10.0.0.9 plaintext\n"
    refused = scan("--format", "yaml").stderr
    assert refused.endswith(", parquet:captures, verdicts. `aurora-wire scan --help` shows the options.\n")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError('no')", "verdicts: its format verdicts:VERDICTS cannot be loaded: no"),
        ("VERDICTS = 1", "verdicts: its format verdicts:VERDICTS is no aurora_wire.Format."),
    ],
)
def test_a_broken_format_of_another_package_is_one_line_and_exit_code_2(tmp_path: Path, code: str, said: str) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "verdicts.py").write_text(code)
    environment = registered(tmp_path, "aurora_wire.formats", "verdicts = verdicts:VERDICTS", modules)
    done = subprocess.run(
        [sys.executable, "-m", "aurora_wire", "scan", "x.pcap", "--format", "verdicts"], capture_output=True, text=True,
        env=environment, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_driver_is_added_by_another_package(tmp_path: Path) -> None:
    (code,) = section("A client driver")
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "toy_client.py").write_text(code)
    environment = registered(tmp_path, "aurora_wire.clients", "toy = toy_client:Toy", modules)
    ask = """if True:
        from aurora_wire import Mode, Task
        from aurora_wire.prove.drivers.registry import load, names
        assert names()[-1] == "toy"
        outcome = load("toy").run(Task("127.0.0.1", 1, "u", "p", "d", Mode.DEFAULT, "canary", "t"))
        print(load("toy").find().version, "|", outcome.error.text)
    """
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("toy 1.0 | it is a toy\n", "")


def test_a_protocol_is_named_by_its_signature(copy: Path, tmp_path: Path) -> None:
    (signature,) = section("To be named")
    insert(copy / "wire" / "identify" / "foreign.py", "    if head.startswith(_AMQP):\n", signature)
    talk = Conversation(server=("10.0.0.9", 2809))
    talk.syn()
    talk.client(b"GIOP\x01\x00\x00\x00\x00\x00\x00\x10" + bytes(16))
    path = tmp_path / "corba.pcap"
    path.write_bytes(pcap(talk.packets))

    assert json.loads(run(copy, "scan", str(path), "--format", "json").stdout)["not_mysql"] == {"CORBA": 1}


def add_toy(copy: Path) -> None:
    """Add the document's protocol: a folder and three rows."""
    code, shape, decoders, judged = section("To be decoded")
    folder = copy / "wire" / "toy"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Toy."""\n')
    (folder / "lines.py").write_text(code)
    for place, row in (
        (copy / "wire" / "identify" / "protocols.py", shape), (copy / "wire" / "flows" / "decoder_set.py", decoders),
        (copy / "verdict" / "protocols.py", judged),
    ):  # fmt: skip
        brought, _, line = row.rpartition("\n\n")
        source = place.read_text()
        (x_row,) = [one for one in source.splitlines() if re.match(r' +("X Protocol": |XShape\("X Protocol")', one)]
        insert(place, x_row, line)
        if brought:
            insert(place, "from typing import Final\n", f"{brought}\n")


def toy_session(folder: Path, server: tuple[str, int]) -> str:
    """Return the path of a capture of a session of Toy, whose second line comes in two segments."""
    talk = Conversation(server=server)
    talk.syn()
    talk.client(b"TOY 1\n")
    talk.server(b"welcome\n")
    talk.client(b"buy 3 ap")
    talk.client(b"ples\nquit\n")
    path = folder / "toy.pcap"
    path.write_bytes(pcap(talk.packets))
    return str(path)


@pytest.mark.parametrize("port", [4711, 9999, 3307])
def test_a_protocol_is_decoded_by_a_folder_and_three_rows(copy: Path, tmp_path: Path, port: int) -> None:
    capture = toy_session(tmp_path, ("10.0.0.9", port))
    before = json.loads(run(copy, "scan", capture, "--format", "json").stdout)
    assert before["connections"] == []
    add_toy(copy)

    done = run(copy, "scan", capture, "--format", "json")
    assert done.stderr == ""
    (found,) = json.loads(done.stdout)["connections"]
    assert (found["protocol"], found["verdict"], found["confidence"]) == ("Toy", "plaintext", "proven")
    assert [(one["id"], one["text"], one["direction"], one["offset"]) for one in found["reasons"]] == [
        ("responses-in-clear", "3 lines in the clear", "server", 0)
    ]
    client = found["coverage"]["client"]
    assert (client["seen"], client["plaintext"], client["unprotected_by_design"], client["unknown"]) == (24, 18, 6, 0)


def test_a_protocol_that_is_added_is_shown_and_masked(copy: Path, tmp_path: Path) -> None:
    add_toy(copy)
    capture = toy_session(tmp_path, ("10.0.0.9", 9999))
    lines = run(copy, "packets", capture).stdout
    assert "Toy opening" in lines
    assert lines.count("Toy line") == 3
    assert "Toy line" in run(copy, "packets", capture, "--frame", "6", "--explain").stdout
    masked = tmp_path / "masked.pcap"
    done = run(copy, "redact", capture, str(masked))
    assert (done.stderr, done.returncode) == ("", 0)
    data = masked.read_bytes()
    assert b"TOY 1" in data
    assert b"apples" not in data
    assert b"welcome" not in data


def test_a_protocol_that_is_added_has_events(copy: Path, tmp_path: Path) -> None:
    add_toy(copy)
    ask = f"""if True:
        from aurora_wire import Engine
        from aurora_wire.capture.files.open import open_capture
        engine = Engine([3306], want_events=True)
        with open_capture({toy_session(tmp_path, ("10.0.0.9", 9999))!r}) as capture:
            source = capture.source
            while source.advance():
                engine.feed(
                    source.buffer, source.at, source.captured_len, source.original_len, source.time_ns, source.link_type
                )
        engine.finish()
        lines = [one for one in engine.events if type(one).__name__ == "ToyLine"]
        print([(one.from_client, int(one.frame), int(one.offset), one.text) for one in lines])
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", ask], capture_output=True, text=True, timeout=60, check=False,
        env={**ENVIRONMENT, "PYTHONPATH": str(copy.parent)}, cwd=copy.parent,
    )  # fmt: skip
    assert done.stderr == ""
    seen = r"[(False, 5, 0, b'welcome\n'), (True, 6, 6, b'buy 3 apples\n'), (True, 7, 19, b'quit\n')]"
    assert done.stdout.rstrip() == seen


def test_what_the_document_names_is_there() -> None:
    rooms = "aurora_wire|wire|verdict|redact|report|prove|tests|examples|docs"
    document = DOCUMENT.replace("/NAME/", "/").replace("`wire/toy/lines.py`", "")
    for name in re.findall(rf"`((?:{rooms})/[\w./]*\w)/?`", document):
        assert (ROOT / name).exists() or (PACKAGE / name).exists(), name
