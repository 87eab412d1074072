"""The first five minutes with a real server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aurora_wire.cli.main import main
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.real.servers import APP, DATABASE, HOST, ODD, READER, ROOT, Server


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


def test_clients_prove_what_the_settings_say(mariadb: Server, tmp_path: Path) -> None:
    """As it is: a client comes in the clear with TLS off. With TLS required it does not, and the view agrees."""

    def checked() -> dict[str, Any]:
        done = subprocess.run(
            [*COMMAND, "check", f"localhost:{mariadb.port}", "--user", APP.user, "--prove", "pymysql", "--database",
             DATABASE, "--ca", str(mariadb.certificates.ca), "--format", "json"],
            capture_output=True, timeout=120, check=False, cwd=tmp_path,
            env={**ENVIRONMENT, "AURORA_WIRE_PASSWORD": APP.password},
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr.decode()
        target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
        return target

    before = checked()
    assert before["state"] == "may come in the clear"
    (view,) = [each for each in before["views"] if each["view"] == "what clients do"]
    assert view["answer"].startswith("in the clear: pymysql (off); encrypted: pymysql (default)")
    mariadb.sql("SET GLOBAL require_secure_transport = ON")
    try:
        after = checked()
    finally:
        mariadb.sql("SET GLOBAL require_secure_transport = OFF")
    (view,) = [each for each in after["views"] if each["view"] == "what clients do"]
    assert view["state"] == "encrypted only"
    assert "pymysql (off): refused" in view["answer"]
    assert after["state"] == "encrypted only"
    assert after["contradictions"] == []
    assert mariadb.tables() == []


def test_fixes_are_for_this_product_and_these_accounts(
    mariadb: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mariadb.sql(f"GRANT SELECT ON mysql.* TO {APP.user}@'%'")
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
    assert main(["audit", "--host", f"{HOST}:{mariadb.port}", "--user", APP.user, "--fix"]) == 1
    text = capsys.readouterr().out
    assert "SET GLOBAL require_secure_transport = ON;" in text
    assert "PERSIST" not in text
    for line in text.splitlines():
        if line.strip().startswith("ALTER USER") and "REQUIRE SSL" in line:
            mariadb.sql(f"{line.strip().removesuffix('REQUIRE SSL;')} REQUIRE SSL")
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
    try:
        main(["audit", "--host", f"{HOST}:{mariadb.port}", "--user", APP.user, "--format", "json"])
        rules = {each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]}
    finally:
        for account in (APP, READER, ODD):
            mariadb.sql(f"ALTER USER {account.user}@'%' REQUIRE NONE")
    assert "AW623" not in rules, "what was pasted has fixed it"
