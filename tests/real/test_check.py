"""The first five minutes with a real server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aurora_wire.cli.main import main
from aurora_wire.posture.result import judge_again
from aurora_wire.report.formats import FORMATS
from aurora_wire.report.posture.from_json import read_result
from aurora_wire.report.posture.to_json import collect_fields
from tests.cli.running import COMMAND, ENVIRONMENT
from tests.posture.test_result_formats import VALIDATOR, check_page, read, validator
from tests.real.servers import APP, DATABASE, HOST, ODD, READER, ROOT, Server
from tests.report.schemas import valid


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

    def proved() -> dict[str, Any]:
        done = subprocess.run(
            [*COMMAND, "check", f"localhost:{mariadb.port}", "--user", APP.user, "--prove", "pymysql", "--database",
             DATABASE, "--ca", str(mariadb.certificates.ca), "--format", "json"],
            capture_output=True, timeout=120, check=False, cwd=tmp_path,
            env={**ENVIRONMENT, "AURORA_WIRE_PASSWORD": APP.password},
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr.decode()
        target: dict[str, Any] = json.loads(done.stdout)["targets"][0]
        return target

    before = proved()
    assert before["state"] == "may come in the clear"
    (view,) = [each for each in before["views"] if each["view"] == "what clients do"]
    assert view["answer"].startswith("in the clear: pymysql (off); encrypted: pymysql (default)")
    mariadb.sql("SET GLOBAL require_secure_transport = ON")
    try:
        after = proved()
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


def checked(server: Server, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
    return main(["check", f"{HOST}:{server.port}", "--user", APP.user, *options])


@pytest.fixture(params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_every_format_of_a_real_answer_is_valid_and_none_holds_the_password(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = [row.name for row in FORMATS.values() if row.posture and row.name != "text"]
    options = [f"--format={name}={tmp_path}/{number}" for number, name in enumerate(names)]
    assert checked(server, monkeypatch, *options) == 1
    files = {name: (tmp_path / str(number)).read_bytes().decode() for number, name in enumerate(names)}
    assert not [name for name, text in files.items() if APP.password in text]
    valid("check", files["json"])
    VALIDATOR.validate(json.loads(files["sarif"]))
    assert read(files["junit"])
    for line in files["ocsf"].splitlines():
        validator("1.8.0").validate(json.loads(line))
    check_page(files["html"])
    posture = read_result(str(tmp_path / str(names.index("json"))))
    assert collect_fields(posture) == json.loads(files["json"])
    assert collect_fields(judge_again(posture)) == collect_fields(posture)


@pytest.mark.parametrize("command", ["probe", "audit"])
def test_a_real_result_reads_again_and_is_as_its_schema_says(
    command: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AURORA_WIRE_PASSWORD", APP.password)
    place = f"{HOST}:{server.port}"
    arguments = [command, "--host", place, "--user", APP.user] if command == "audit" else [command, place]
    path = tmp_path / "r.json"
    main([*arguments, "--format", "json", "-o", str(path)])
    valid(command, path.read_bytes())
    posture = read_result(str(path))
    assert collect_fields(judge_again(posture)) == json.loads(path.read_bytes())


def test_the_fix_is_seen_by_compare_and_goes_into_report_and_bundle(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked(server, monkeypatch, "--format", "json=before.json") == 1
    server.sql("SET GLOBAL require_secure_transport = ON")
    try:
        assert checked(server, monkeypatch, "--format", "json=after.json") == 0
    finally:
        server.sql("SET GLOBAL require_secure_transport = OFF")
    capsys.readouterr()
    assert main(["compare", "before.json", "after.json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("ALL IS AS IT SHOULD BE NOW: ")
    assert main(["compare", "after.json", "before.json"]) == 1
    capture = next((ROOT / "captures" / "mariadb").glob("pymysql-default.pcap*"))
    assert main(["report", str(capture), "before.json", "after.json", "-o", "r.html"]) == 1
    assert "What the servers allow" in check_page(Path("r.html").read_text()).text
    assert main(["evidence", "create", str(capture), "before.json", "after.json", "-o", "case.zip"]) == 0
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0
    assert "judged again: check (exit code 1), check (exit code 0)" in capsys.readouterr().out
