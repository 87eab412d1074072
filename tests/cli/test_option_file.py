"""Option files are read as MySQL's clients read them, and never shown."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.cli import main
from aurora_wire.cli.option_file import read_option_file
from aurora_wire.errors import UsageError
from aurora_wire.prove.drivers.command_line import ESCAPES

Capsys = pytest.CaptureFixture[str]

FILE = """\
# of the whole
[mysqld]
port = 1
[client]
user=app   ; not a comment there
host = "db.example.com" # behind quotes
port\t=\t3307
password = 'a#b "c" \\'d\\' \\\\ e\\sf'
loose-ssl_ca = /etc/ssl/ca.pem
skip-auto-rehash
; all of it
database=first
[mysql]
database=none
[client-server]
database = second#third
"""


def written(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "my.cnf"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_groups_comments_quotes_and_escapes(tmp_path: Path) -> None:
    assert read_option_file(written(tmp_path, FILE)) == {
        "user": "app   ; not a comment there", "host": "db.example.com", "port": "3307",
        "password": "a#b \"c\" 'd' \\ e f", "ssl-ca": "/etc/ssl/ca.pem", "skip-auto-rehash": "", "database": "second",
    }


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85"), max_size=20))
def test_what_the_drivers_write_is_read_again(tmp_path_factory: pytest.TempPathFactory, password: str) -> None:
    text = f'[client]\npassword="{password.translate(ESCAPES)}"\n'
    assert read_option_file(written(tmp_path_factory.mktemp("o"), text))["password"] == password


@pytest.mark.skipif(shutil.which("my_print_defaults") is None, reason="no my_print_defaults")
def test_mariadbs_own_reader_says_the_same(tmp_path: Path) -> None:
    text = FILE.replace("user=app   ; not a comment there", "user=app").replace("loose-ssl_ca", "ssl_ca")
    path = written(tmp_path, text)
    said = subprocess.run(
        ["my_print_defaults", f"--defaults-file={path}", "client", "client-server"], capture_output=True, text=True,
        check=True,
    ).stdout
    theirs = dict(line.removeprefix("--").partition("=")[::2] for line in said.splitlines())
    assert {name.replace("_", "-"): value for name, value in theirs.items()} == read_option_file(path)


def test_files_include_others(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b.cnf").write_text("[client]\nuser=b\n")
    (tmp_path / "d" / "a.cnf").write_text("[client]\nuser=a\nhost=h\n")
    (tmp_path / "d" / "c.txt").write_text("[client]\nuser=c\n")
    path = written(tmp_path, f"!includedir {tmp_path}/d\n[client]\nport=1\n!include {tmp_path}/d/a.cnf\n")
    assert read_option_file(path) == {"user": "a", "host": "h", "port": "1"}


@pytest.mark.parametrize(("text", "said"), [
    ("user=a\n", "line 1 stands in no group"),
    ("[client\nuser=a\n", "line 1 begins a group"),
    ("[client]\n!includes x\n", "line 2 is neither"),
    ("!include {path}\n", "include each other"),
    ("!include /nowhere/x.cnf\n", "/nowhere/x.cnf: no such file"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, text.replace("{path}", str(tmp_path / "my.cnf")))
    with pytest.raises(UsageError) as told:
        read_option_file(path)
    assert said.lower() in str(told.value).lower()


def test_what_everybody_may_change_and_what_is_no_text_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="everybody may change it"):
        read_option_file(written(tmp_path, "[client]\n", 0o666))
    (tmp_path / "login").write_bytes(b"\0\0\0\0\xff\xfe")
    with pytest.raises(UsageError, match="no text at offset 4"):
        read_option_file(str(tmp_path / "login"))
    with pytest.raises(UsageError, match="no plain file"):
        read_option_file("/dev/null")


@pytest.mark.parametrize(("options", "said"), [
    ([], "no server: --host HOST, --socket PATH"),
    (["--host", "h"], "no user: --user USER"),
    (["--defaults-file", "my.cnf", "-u", "x"], "/nowhere.sock: is no Unix socket"),
    (["--socket", "/dev/null", "-u", "x"], "/dev/null: is no Unix socket"),
    (["--defaults-file", "port.cnf", "-u", "x"], "port.cnf: '70000' is no port"),
    (["--host", "h", "--user", "u", "--format", "sarif"], "'sarif' is none of text, json, html, markdown"),
])  # fmt: skip
def test_wrong_use_of_prove_is_one_line_and_shows_no_password(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AURORA_WIRE_PASSWORD", raising=False)
    Path("my.cnf").write_text("[client]\nsocket=/nowhere.sock\npassword=s3cret-word\n")
    Path("port.cnf").write_text("[client]\nport=70000\npassword=s3cret-word\n")
    try:
        code: int | str | None = main(["prove", *options])
    except SystemExit as error:
        code = error.code
    told = capsys.readouterr()
    assert code == 2
    assert said in told.err
    assert "s3cret-word" not in told.err + told.out
