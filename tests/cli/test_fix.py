"""`aurora-wire fix`: text to paste."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_wire.cli.main import main
from aurora_wire.verdict.clients import CLIENTS
from aurora_wire.verdict.server_fixes import KINDS, PURPOSES

ROOT = Path(__file__).resolve().parents[2]


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["fix", *arguments]) == 0
    return capsys.readouterr().out


def test_the_docs_show_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "--server", "aurora", "--setting", "require_tls", "--client", "pymysql")
    shown = "\n".join(f"    {line}".rstrip() for line in text.splitlines())
    assert shown in (ROOT / "docs" / "posture.md").read_text(encoding="utf-8")


def test_without_a_name_it_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert all(client.key in text for client in CLIENTS)
    assert "mysql-5.7" in text


def test_a_server_is_also_known_by_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    by_version = told(capsys, "--server", "10.11.19-MariaDB-0+deb12u1")
    assert by_version == told(capsys, "--server", "mariadb")
    assert "PERSIST" not in by_version
    assert "SET PERSIST" in told(capsys, "--server", "8.4.3")


def test_the_file_of_authorities_is_the_callers_in_every_text(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "--client", "all", "--ca", "/srv/own.pem")
    assert "/etc/mysql/ca.pem" not in text
    assert text.count("/srv/own.pem") > len(CLIENTS) / 2


def test_json_has_all_kinds_and_clients(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "--format", "json"))
    assert found["schema"] == "aurora-wire/fix/1"
    assert [each["name"] for each in found["clients"]] == [client.key for client in CLIENTS]
    assert len(found["servers"]) == len(KINDS) - 1
    for server in found["servers"]:
        assert [each["setting"] for each in server["settings"]] == list(PURPOSES)
        assert all(each["forms"] for each in server["settings"])


@pytest.mark.parametrize(("arguments", "said"), [
    (["--server", "nonsense"], "no kind of server"),
    (["--client", "nonsense"], "no client"),
    (["--setting", "require_tls"], "--server"),
    (["--server", "mysql", "--setting", "nonsense"], "no setting"),
    (["--ca", "a\nb"], "line break"),
])  # fmt: skip
def test_wrong_use_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
