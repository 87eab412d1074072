"""The first five minutes with a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_wire.cli.main import main
from tests.real.servers import APP, HOST, ROOT, Server


def test_a_real_server_is_checked_by_all_views(
    mariadb: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["check", f"{HOST}:{mariadb.port}", "--user", APP.user, "--capture", str(ROOT / "captures" / "mariadb")]
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
    assert main(arguments) == 1
    text = capsys.readouterr().out
    assert "sessions may come in the clear" in text.splitlines()[0]
    assert max(map(len, text.splitlines())) <= 100
    mariadb.sql("SET GLOBAL require_secure_transport = ON")
    try:
        monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
        assert main([*arguments, "--format", "json", "-o", str(tmp_path / "c.json")]) == 0
    finally:
        mariadb.sql("SET GLOBAL require_secure_transport = OFF")
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["schema"] == "aurora-wire/check/1"
    target = found["targets"][0]
    assert target["state"] == "encrypted only"
    assert [each["view"] for each in target["views"]] == ["what it answers", "how it is set", "what crossed the wire"]
    assert target["contradictions"] == []


def test_a_login_that_fails_costs_its_view_alone(
    mariadb: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", "wrong")
    assert main(["check", f"{HOST}:{mariadb.port}", "--user", APP.user]) == 3
    told = capsys.readouterr()
    assert "1045" in told.err
    assert "what it answers" in told.out
