"""What servers allow, beside the captures of a bundle: named, masked where captures are, and judged again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aurora_wire.cli import main
from aurora_wire.report.posture.from_json import parse
from aurora_wire.report.posture.to_json import render
from tests.evidence.bundles import cover_up, make, pack, unpack, write_captures
from tests.posture import results

Capsys = pytest.CaptureFixture[str]
CHECK, AUDIT = "posture/001-check.json", "posture/002-audit.json"


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_captures(tmp_path)
    Path("check.json").write_text("".join(render(results.check())))
    Path("audit.json").write_text("".join(render(results.audit())))
    return tmp_path


def verify(*options: str) -> int:
    return main(["evidence", "verify", "case.zip", "--allow-unsigned", *options])


def test_results_are_in_it_as_they_are_and_manifest_and_instructions_say_so(capsys: Capsys) -> None:
    files = make(beside=["check.json", "audit.json"])
    assert "names of accounts" in capsys.readouterr().err
    assert files[CHECK] == Path("check.json").read_bytes()
    manifest = json.loads(files["manifest.json"])
    assert [one["file"] for one in manifest["posture"]] == [CHECK, AUDIT]
    first = manifest["posture"][0]
    assert (first["command"], first["exit_code"], first["servers"]) == ("check", 1, 1)
    assert first["first_time"] == "2026-11-29T12:30:15Z"
    assert first["original"]["path"] == "check.json"
    assert b"What is in posture/ was answered by servers" in files["VERIFY.txt"]
    assert CHECK.encode() in files["SHA256SUMS"]
    assert verify() == 0
    told = capsys.readouterr().out
    assert "ok      posture: 2 results of what servers allow, judged again: check (exit code 1), audit" in told


def test_a_bundle_without_results_is_as_it_was() -> None:
    files = make()
    assert not [name for name in files if "posture" in name]
    assert "posture" not in json.loads(files["manifest.json"])
    assert b"posture" not in files["VERIFY.txt"]


def test_reports_join_them_with_the_captures_and_name_no_user() -> None:
    files = make(beside=["check.json", "audit.json"])
    text, page = files["report/posture.txt"].decode(), files["report/report.html"].decode()
    assert "sessions are in the clear" in text
    assert "What the servers allow" in page
    for name in ("'app'", "'auditor'", "'strict'"):
        assert name not in text
        assert name not in page
    shown = make("--reveal", beside=["check.json", "audit.json"])
    assert "'auditor'@'%'" in shown["report/posture.txt"].decode()
    assert verify() == 0


def test_masked_captures_come_with_masked_results(capsys: Capsys) -> None:
    files = make("--redact-captures", beside=["check.json", "audit.json"])
    for name in (CHECK, AUDIT):
        for user in (b"'app'", b'"app"', b"auditor", b"strict"):
            assert user not in files[name]
        assert parse(files[name], name).exit_code == 1
    manifest = json.loads(files["manifest.json"])
    original = manifest["posture"][1]["original"]
    assert original["bytes"] == Path("audit.json").stat().st_size
    assert verify() == 0
    assert "judged again" in capsys.readouterr().out


def test_the_signed_statement_says_what_was_found() -> None:
    pytest.importorskip("cryptography")
    import base64

    assert main(["evidence", "keygen", "-o", "key"]) == 0
    files = make("--key", "key", beside=["check.json"])
    statement = json.loads(base64.b64decode(json.loads(files["attestation.dsse.json"])["payload"]))
    (found,) = statement["predicate"]["posture"]
    assert found["servers"][0]["server"] == "db.example.com:3306"
    assert found["servers"][0]["says"] == "sessions are in the clear"
    assert CHECK in [one["name"] for one in statement["subject"]]
    assert main(["evidence", "verify", "case.zip", "--key", "key.pub"]) == 0


def test_a_grade_that_was_made_better_is_seen_also_where_all_hashes_fit(capsys: Capsys) -> None:
    files = make(beside=["audit.json"])
    name = "posture/001-audit.json"
    found = json.loads(files[name])
    found["grade"], found["findings"], found["exit_code"] = "A", [], 0
    files[name] = (json.dumps(found) + "\n").encode()
    manifest = json.loads(files["manifest.json"])
    manifest["posture"][0]["exit_code"] = 0
    files["manifest.json"] = json.dumps(manifest).encode()
    cover_up(files)
    pack(files, Path("case.zip"))
    capsys.readouterr()
    assert verify() == 1
    told = capsys.readouterr().out
    assert "FAILED  posture: what servers allow is not what was read of them" in told
    assert f'{name}: grade: "A" in the bundle, "D" now' in told


@pytest.mark.parametrize("what", ["taken", "another", "no result", "extra field", "unlisted", "other report"])
def test_whatever_else_was_changed_is_seen(what: str, capsys: Capsys) -> None:
    files = make(beside=["check.json", "audit.json"])
    manifest = json.loads(files["manifest.json"])
    if what == "taken":
        del files[AUDIT]
    elif what == "another":
        files[AUDIT] = "".join(render(results.audit(requires=True))).encode()
    elif what == "no result":
        files[AUDIT] = b"{}"
    elif what == "extra field":
        files[AUDIT] = json.dumps({**json.loads(files[AUDIT]), "comment": "harmless"}).encode()
    elif what == "unlisted":
        manifest["posture"].pop()
        files["manifest.json"] = json.dumps(manifest).encode()
    else:
        files["report/posture.txt"] = files["report/posture.txt"].replace(b"in the clear", b"encrypted")
    cover_up(files)
    pack(files, Path("case.zip"))
    capsys.readouterr()
    assert verify() == 1
    assert "NOT VERIFIED" in capsys.readouterr().out


def test_results_of_another_version_are_not_judged_again_and_that_is_said(capsys: Capsys) -> None:
    found = json.loads(Path("audit.json").read_text())
    Path("audit.json").write_text(json.dumps({**found, "tool_version": "0.0.1"}))
    make(beside=["audit.json"])
    assert verify() == 3
    assert "is of version 0.0.1: what it says was not judged again" in capsys.readouterr().out


def test_the_originals_of_masked_results_can_be_given_beside_the_captures(capsys: Capsys) -> None:
    make("--redact-captures", beside=["audit.json"])
    captures = ["--original", "plain.pcap", "--original", "tls.pcap"]
    assert verify(*captures, "--original", "audit.json") == 0
    assert verify(*captures) == 0
    capsys.readouterr()
    assert verify(*captures, "--original", "check.json") == 1
    assert "check.json: SHA-256" in capsys.readouterr().out


def test_the_same_input_makes_the_same_bytes() -> None:
    make(beside=["check.json"])
    first = Path("case.zip").read_bytes()
    make(beside=["check.json"])
    assert Path("case.zip").read_bytes() == first
    assert CHECK in unpack(Path("case.zip"))


@pytest.mark.parametrize(("arguments", "said"), [
    (["check.json"], "a bundle is of captures, and results lie beside them"),
    (["plain.pcap", "broken.json"], "broken.json: is no JSON"),
    (["plain.pcap", "wrong.json"], "wrong.json: is a result with something wrong in it"),
])  # fmt: skip
def test_wrong_use_is_one_line_and_leaves_nothing(arguments: list[str], said: str, capsys: Capsys) -> None:
    Path("broken.json").write_text('{"schema": "aurora-wire/check/1", ')
    Path("wrong.json").write_text('{"schema": "aurora-wire/check/1", "tool_version": "1", "targets": []}')
    assert main(["evidence", "create", *arguments, "-o", "case.zip", "--redact-captures"]) == 2
    assert said in capsys.readouterr().err
    assert not Path("case.zip").exists()


def test_a_bundle_does_not_replace_a_result(capsys: Capsys) -> None:
    before = Path("check.json").read_bytes()
    assert main(["evidence", "create", "plain.pcap", "check.json", "-o", "check.json", "--redact-captures"]) == 2
    assert "this is one of the results" in capsys.readouterr().err
    assert Path("check.json").read_bytes() == before
