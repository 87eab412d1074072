"""An evidence bundle from the captures to the check of somebody else, on another machine or without our program."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from aurora_wire.cli import main
from tests.cli.running import COMMAND, ENVIRONMENT, PACKAGE_ROOT
from tests.conversations.tcp import pcapng
from tests.evidence.bundles import CAPTURE, ENCRYPTED, PLAIN, cover_up, make, pack, unpack, write_captures
from tests.loopback import until

SECRET = b"Canary-0001-7f3a"


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one, with two captures and a key."""
    write_captures(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert main(["evidence", "keygen", "-o", "examiner"]) == 0
    return tmp_path


def test_keys_are_written_once_and_the_private_one_is_for_its_owner(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE(Path("examiner").stat().st_mode) == 0o600
    before = Path("examiner").read_bytes()
    assert before.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert Path("examiner.pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
    assert main(["evidence", "keygen", "-o", "examiner"]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert Path("examiner").read_bytes() == before
    Path("other.pub").write_text("mine")
    assert main(["evidence", "keygen", "-o", "other"]) == 2
    assert not Path("other").exists()


def test_the_same_input_and_time_make_the_same_bytes(case: Path) -> None:
    make("--key", "examiner")
    first = Path("case.zip").read_bytes()
    assert main(["evidence", "create", "plain.pcap", "tls.pcap", "-o", "again.zip", "--key", "examiner"]) == 0
    assert Path("again.zip").read_bytes() == first
    assert stat.S_IMODE(Path("case.zip").stat().st_mode) == 0o600
    assert sorted(path.name for path in case.iterdir()) == [
        "again.zip", "case.zip", "examiner", "examiner.pub", "plain.pcap", "tls.pcap",
    ]  # fmt: skip


def test_the_manifest_holds_what_a_chain_of_custody_asks_for(case: Path) -> None:
    files = make("--key", "examiner", "--case", "17", "--examiner", "E. Xaminer", "--note", "as found")
    manifest = json.loads(files["manifest.json"])
    assert manifest["case"] == {"id": "17", "examiner": "E. Xaminer", "note": "as found"}
    assert manifest["created"] == "2023-11-14T22:13:20Z"
    assert manifest["clock"]["synchronized"] in (True, False, None)
    assert manifest["command"][:3] == ["aurora-wire", "evidence", "create"]
    assert manifest["result"]["verdict"] == "mixed"
    first = manifest["captures"][0]
    assert (first["file"], first["original"]["path"], first["original"]["bytes"]) == (CAPTURE, "plain.pcap", len(PLAIN))
    assert {one["name"] for one in manifest["files"]} == {
        CAPTURE, "captures/002-tls.pcap", "report/result.json", "report/report.txt", "report/report.html", "VERIFY.txt",
    }  # fmt: skip
    assert files[CAPTURE] == PLAIN
    statement = json.loads(files["signature/attestation.pae"].partition(b"{")[2].join([b"{", b""]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {one["name"] for one in statement["subject"]} == {one["name"] for one in manifest["files"]} | {
        "manifest.json"
    }


def test_interfaces_filters_and_drops_of_a_pcapng_are_in_the_manifest(case: Path) -> None:
    from aurora_wire.capture.files.pcapng_writer import PcapngWriter

    with Path("plain.pcap").open("wb", buffering=0) as file:
        writer = PcapngWriter(file, application="test 1")
        number = writer.interface("eth7", 1, snaplen=512, filter_text="tcp port 3306")
        writer.packet(number, 1_700_000_000_000_000_000, bytes(60))
        writer.statistics(number, 1_700_000_001_000_000_000, received=9, dropped=4)
        writer.close()
    says = json.loads(make()["manifest.json"])["captures"][0]["says"]
    assert says["sections"][0]["application"] == "test 1"
    (interface,) = says["interfaces"]
    assert interface.items() >= {
        "name": "eth7", "snaplen": 512, "filter": "tcp port 3306", "received": 9, "dropped_by_interface": 4,
    }.items()  # fmt: skip


def test_reports_mask_values_and_show_equal_ones_as_equal(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = make()
    for name in ("report/result.json", "report/report.txt", "report/report.html", "manifest.json"):
        assert SECRET not in files[name]
        assert b">app<" not in files[name]
        assert b'"app"' not in files[name]
    assert b"with all that crossed; --redact-captures masks them" in capsys.readouterr().err.encode()
    result = json.loads(files["report/result.json"])
    assert result["redacted"] is True
    (plain,) = (one for one in result["connections"] if one["verdict"] == "plaintext")
    assert plain["user"].startswith("*")
    masked = plain["statements"][0]["sql"].partition("('")[2].removesuffix("')")
    assert len(masked) == len(SECRET)
    assert masked.startswith("*")
    assert masked.strip("*")
    again = json.loads(make()["report/result.json"])
    assert again == result
    other = json.loads(make("--case", "other")["report/result.json"])
    assert other["connections"][0]["statements"][0] != result["connections"][0]["statements"][0]


def test_reveal_shows_them_after_a_warning(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = make("--reveal")
    assert SECRET in files["report/result.json"]
    assert SECRET in files["report/report.html"]
    assert json.loads(files["report/result.json"])["redacted"] is False
    assert "--reveal: the reports of this bundle show" in capsys.readouterr().err
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0


def test_a_bundle_verifies_with_its_key_without_one_and_unsigned(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make("--key", "examiner")
    capsys.readouterr()
    assert main(["evidence", "verify", "case.zip", "--key", "examiner.pub"]) == 0
    said = capsys.readouterr().out
    assert "the one given" in said
    assert "run again on 2 captures, it says the same: mixed (proven)" in said
    assert said.endswith("VERIFIED: it is as it was made, by the key given.\n")
    assert main(["evidence", "verify", "case.zip"]) == 3
    said = capsys.readouterr().out
    assert "which the bundle brings itself" in said
    assert said.splitlines()[-1].startswith("NOT VOUCHED FOR: nothing differs, but only the key inside it says who")
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0
    make()
    capsys.readouterr()
    assert main(["evidence", "verify", "case.zip", "--format", "json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verified"], [one["ok"] for one in answer["checks"]]) == (False, [True, None, True, True, True])
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("VERIFIED, UNSIGNED: ")
    assert main(["evidence", "verify", "case.zip", "--key", "examiner.pub"]) == 1


def test_originals_kept_elsewhere_are_analysed_too(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make("--key", "examiner")
    both = ["--original", "tls.pcap", "--original", "plain.pcap"]
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned", *both]) == 0
    assert "originals: run again on 2 captures" in capsys.readouterr().out
    assert main(["evidence", "verify", "case.zip", *both[:2]]) == 1
    assert "no given file has its original's SHA-256" in capsys.readouterr().out
    Path("plain.pcap").write_bytes(PLAIN[:-1])
    assert main(["evidence", "verify", "case.zip", *both]) == 1
    assert "is of no capture in the manifest" in capsys.readouterr().out
    assert main(["evidence", "verify", "case.zip", "--original", "missing.pcap"]) == 2


def test_the_instructions_work_with_unzip_sha256sum_and_openssl_alone(case: Path, tmp_path: Path) -> None:
    """Runs the commands of VERIFY.txt as they stand there, with nothing else in PATH."""
    files = make("--key", "examiner")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("unzip", "sha256sum", "openssl"):
        found = shutil.which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    text = files["VERIFY.txt"].decode()
    commands = [line.strip().removeprefix("$ ") for line in text.splitlines() if line.strip().startswith("$ ")]
    folder = tmp_path
    said: dict[str, str] = {}
    for command in commands:
        if command == "cd case":
            folder = tmp_path / "case"
            continue
        run = subprocess.run(shlex.split(command), cwd=folder, env={"PATH": str(tools)}, capture_output=True,
                             text=True, timeout=30, check=True)  # fmt: skip
        said[command] = run.stdout + run.stderr
    assert len(commands) == 8
    listed = said["unzip -Z1 ../case.zip"].split()
    assert sorted(listed) == sorted(files)
    assert all(f"    {name}\n" in text for name in listed)
    sums = said["sha256sum --check --strict SHA256SUMS"].splitlines()
    assert len(sums) == len(files) - 2
    assert all(line.endswith(": OK") for line in sums)
    assert [answer for command, answer in said.items() if command.startswith("openssl pkeyutl")] == [
        "Signature Verified Successfully\n"
    ] * 2
    assert said["sha256sum key.der"].split()[0] in text
    changed = tmp_path / "case" / CAPTURE
    changed.write_bytes(PLAIN[:-1] + b"!")
    run = subprocess.run([tools / "sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "case",
                         capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert run.returncode != 0
    assert f"{CAPTURE}: FAILED" in run.stdout


def test_a_bundle_verifies_in_a_second_clean_environment(case: Path, tmp_path: Path) -> None:
    """A copy of the package, a fresh process, another folder, no environment: nothing of the first one is needed."""
    make("--key", "examiner")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(PACKAGE_ROOT / "aurora_wire", elsewhere / "aurora_wire", ignore=shutil.ignore_patterns("*.so"))
    shutil.move("case.zip", elsewhere / "handed-over.zip")
    shutil.copy("examiner.pub", elsewhere)
    for name in ("plain.pcap", "tls.pcap", "examiner", "examiner.pub"):
        Path(name).unlink()
    run = subprocess.run(
        [sys.executable, "-m", "aurora_wire", "evidence", "verify", "handed-over.zip", "--key", "examiner.pub"],
        cwd=elsewhere, env={"PATH": os.defpath, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[-1] == "VERIFIED: it is as it was made, by the key given."


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "missing.pcap", "-o", "case.zip"], 2, "no such file"),
        (["create", "-", "-o", "case.zip"], 2, "standard input is no evidence"),
        (["create", "plain.pcap", "-o", "plain.pcap"], 2, "this is one of the captures"),
        (["create", "plain.pcap", "-o", "case.zip", "--key", "missing"], 2, "the key cannot be read"),
        (["create", "plain.pcap", "-o", "case.zip", "--key", "examiner.pub"], 2, "no Ed25519 private key"),
        (["create", "plain.pcap", "-o", "case.zip", "--timestamp", "http://localhost"], 2, "Give --key, too"),
        (["create", "plain.pcap", "-o", "case.zip", "--key", "examiner", "--timestamp", "file:///x"], 2, "http://"),
        (["create", "plain.pcap", "-o", "missing/case.zip"], 4, "missing/case.zip: no such file"),
        (["create", "examiner", "-o", "case.zip"], 2, "examiner"),
        (["verify", "missing.zip"], 2, "cannot be read"),
        (["verify", "plain.pcap"], 2, "is no zip archive"),
        (["verify", "case.zip", "--key", "examiner"], 2, "no Ed25519 public key"),
        ([], 2, "ACTION"),
    ],
)
def test_wrong_use_is_one_line(
    case: Path, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("plain.pcap").read_bytes()
    assert main(["evidence", *arguments]) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if "--redact-captures" not in line]
    assert len(lines) == 1
    assert words in lines[0]
    assert Path("plain.pcap").read_bytes() == before
    assert not Path("case.zip").exists()
    assert not list(case.glob(".*"))


def test_a_wrong_source_date_epoch_is_told(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert main(["evidence", "create", "plain.pcap", "-o", "case.zip"]) == 2


def test_interrupted_it_leaves_nothing_and_what_was_there_stays(case: Path) -> None:
    Path("case.zip").write_bytes(b"old")
    with Path("big.pcap").open("wb") as file:
        file.write(PLAIN)
        for _ in range(6_000):
            file.write(PLAIN[24:])
    process = subprocess.Popen([*COMMAND, "evidence", "create", "big.pcap", "-o", "case.zip", "--force"],
                               env={**ENVIRONMENT, "TMPDIR": str(case)},  # where root works
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    until(lambda: list(case.glob("*/captures/*")), "the copy of the capture")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert Path("case.zip").read_bytes() == b"old"
    assert not [*case.glob("*/captures"), *case.glob(".*")]


def test_without_the_extra_hashes_and_analysis_are_still_checked(case: Path) -> None:
    make("--key", "examiner")
    code = (
        "import sys; sys.modules['securesystemslib'] = sys.modules['cryptography'] = None\n"
        "from aurora_wire.cli import main\n"
        "sys.exit(main(['evidence', 'verify', 'case.zip', *sys.argv[1:]]))"
    )
    for options in ([], ["--key", "examiner.pub"], ["--allow-unsigned"]):
        run = subprocess.run([sys.executable, "-c", code, *options], env=ENVIRONMENT, capture_output=True, text=True,
                             timeout=60, check=False)  # fmt: skip
        assert run.returncode == 3, run.stderr
        assert run.stdout.splitlines()[-1].startswith("NOT VOUCHED FOR: ")
        assert "pip install 'aurora_wire[evidence]'" in run.stdout


def test_a_bundle_of_another_version_has_its_verdicts_compared(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = make()
    files["report/result.json"] = files["report/result.json"].replace(b'"tool_version": "', b'"tool_version": "9')
    for words, code in ((b"", 3), (b'"plaintext"', 1)):
        if words:
            files["report/result.json"] = files["report/result.json"].replace(words, b'"encrypted"')
        cover_up(files)
        pack(files, Path("case.zip"))
        capsys.readouterr()
        assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == code
        assert "verdicts are compared" in capsys.readouterr().out


def test_without_jinja_a_bundle_is_made_and_checked_all_the_same(case: Path) -> None:
    make()
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'jinja2' else find(name, *rest)\n"
        "from aurora_wire.cli import main\n"
        "assert main(['evidence', 'verify', 'case.zip', '--allow-unsigned']) == 3\n"
        "sys.exit(main(['evidence', 'create', 'plain.pcap', '-o', 'without.zip']))"
    )
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, timeout=60, check=True)
    assert "report/report.html" not in unpack(Path("without.zip"))
    assert main(["evidence", "verify", "without.zip", "--allow-unsigned"]) == 0


def test_without_the_extra_one_line_says_what_to_install(case: Path) -> None:
    code = (
        "import sys; sys.modules['securesystemslib'] = None\n"
        "from aurora_wire.cli import main\n"
        "sys.exit(main(['evidence', 'create', 'plain.pcap', '-o', 'case.zip', '--key', 'examiner']))"
    )
    run = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
                         check=False)  # fmt: skip
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1].endswith("pip install 'aurora_wire[evidence]'")


def test_with_redacted_captures_nothing_of_the_originals_is_left_and_they_still_prove_it(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = make("--key", "examiner", "--redact-captures")
    assert "as they are" not in capsys.readouterr().err
    assert SECRET not in b"".join(files.values())
    manifest = json.loads(files["manifest.json"])
    assert manifest["redaction"] == {"reports": "masked", "captures": "masked"}
    (first, second) = manifest["captures"]
    assert (first["file"], first["original"]["bytes"]) == ("captures/001-redacted.pcap", len(PLAIN))
    assert files[second["file"]] == ENCRYPTED
    assert json.loads(files["report/result.json"])["redacted"] is True
    assert main(["evidence", "verify", "case.zip", "--key", "examiner.pub"]) == 0
    both = ["--original", "plain.pcap", "--original", "tls.pcap"]
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned", *both]) == 0
    Path("plain.pcap").write_bytes(ENCRYPTED)
    assert main(["evidence", "verify", "case.zip", *both]) == 1


@pytest.mark.parametrize("command", [["evidence", "create", "plain.pcap", "-o", "out"], ["redact", "big.pcap", "out"]])
def test_where_the_disk_is_full_nothing_is_left(case: Path, command: list[str]) -> None:
    Path("big.pcap").write_bytes(PLAIN + PLAIN[24:] * 20)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        f"from aurora_wire.cli import main; sys.exit(main({command!r}))"
    )
    run = subprocess.run([sys.executable, "-B", "-c", code], env=ENVIRONMENT, capture_output=True, text=True,
                         timeout=60, check=False)  # fmt: skip
    assert run.returncode == 4, run.stderr
    assert "too large" in run.stderr
    assert not Path("out").exists()
    assert not list(case.glob(".*"))


def test_captures_of_several_kinds_keep_their_order(case: Path) -> None:
    Path("next.pcapng").write_bytes(pcapng([]))
    files = unpack_of(["tls.pcap", "next.pcapng", "plain.pcap"])
    assert [name for name in sorted(files) if name.startswith("captures/")] == [
        "captures/001-tls.pcap", "captures/002-next.pcapng", "captures/003-plain.pcap",
    ]  # fmt: skip
    assert files["captures/001-tls.pcap"] == ENCRYPTED
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0


def test_the_same_capture_twice_is_two_captures(case: Path) -> None:
    shutil.copy("plain.pcap", "copy.pcap")
    files = unpack_of(["plain.pcap", "copy.pcap"])
    assert files["captures/001-plain.pcap"] == files["captures/002-copy.pcap"]
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned", "--original", "plain.pcap"]) == 0


def test_the_result_fits_its_schema_and_verify_needs_room(case: Path) -> None:
    files = make("--key", "examiner")
    schema = json.loads((PACKAGE_ROOT / "aurora_wire" / "report" / "schemas" / "scan.schema.json").read_text())
    jsonschema.validate(json.loads(files["report/result.json"]), schema)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "from aurora_wire.cli import main; sys.exit(main(['evidence', 'verify', 'case.zip']))"
    )
    run = subprocess.run([sys.executable, "-B", "-c", code], env=ENVIRONMENT, capture_output=True, text=True,
                         timeout=60, check=False)  # fmt: skip
    assert (run.returncode, run.stderr.count("\n")) == (4, 1), run.stderr
    assert "Set TMPDIR" in run.stderr


def unpack_of(captures: list[str]) -> dict[str, bytes]:
    assert main(["evidence", "create", *captures, "-o", "case.zip"]) == 0
    return unpack(Path("case.zip"))


def a_folder_with_all_sorts(folder: Path) -> None:
    """Two captures, and what else may lie beside them."""
    folder.mkdir()
    (folder / "plain.pcap").write_bytes(Path("plain.pcap").read_bytes())
    (folder / "cut.pcap").write_bytes(Path("tls.pcap").read_bytes()[:500])
    (folder / "notes.txt").write_text("as found\n")
    (folder / "nothing").write_bytes(b"")
    (folder / "dump.txt").write_text("0x0000:  4500 0034 0682 4000 4006 91e2 ac1f 0f5e\n")
    (folder / "gone.pcap").symlink_to("nowhere")
    (folder / "gone").symlink_to("nowhere")
    (folder / "round").symlink_to("round")
    (folder / "captures.zip").write_bytes(b"PK\x03\x04" + bytes(60))
    os.mkfifo(folder / "pipe.pcap")


def left_out_of(*options: str) -> dict[str, str]:
    assert main(["evidence", "create", "all", "-o", "case.zip", "--force", *options]) == 0
    return {one["path"]: one["why"] for one in json.loads(unpack(Path("case.zip"))["manifest.json"])["left_out"]}


def test_the_manifest_names_what_of_a_folder_was_left_out(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_folder_with_all_sorts(case / "all")
    left_out = left_out_of()
    assert left_out == {
        "all/dump.txt": "a hex dump: text in folders is not read, so name it", "all/gone": "a link to nowhere",
        "all/gone.pcap": "cannot be read (no such file or folder)", "all/notes.txt": "text",
        "all/nothing": "empty", "all/pipe.pcap": "a pipe", "all/round": "links in a circle",
    }  # fmt: skip
    assert "7 files of the folders are not in it" in capsys.readouterr().out
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 0
    masked = left_out_of("--redact-captures")
    assert masked == {**left_out, "all/captures.zip": "is a zip archive. Unpack it first."}
    make()
    assert json.loads(unpack(Path("case.zip"))["manifest.json"])["left_out"] == []


def test_the_instructions_name_what_of_a_folder_was_left_out(case: Path) -> None:
    a_folder_with_all_sorts(case / "all")
    (case / "all/a\n    $ rm -rf .\u00e9").write_text("as found\n")
    left_out = left_out_of()
    files = unpack(case / "case.zip")
    text = files["VERIFY.txt"].decode("ascii")
    lines = text[text.index("Not in this bundle"):].splitlines()
    assert [line for line in lines if line.startswith("    ")] == [
        f"    {json.dumps(path)}: {why}" for path, why in left_out.items()
    ]
    assert '    "all/gone": a link to nowhere' in lines
    assert not any(line.strip().startswith("$ rm") for line in text.splitlines())
    assert "Not in this bundle" not in make()["VERIFY.txt"].decode("ascii")


def test_instructions_that_hide_what_was_left_out_are_not_a_bundles(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_folder_with_all_sorts(case / "all")
    left_out_of()
    files = unpack(case / "case.zip")
    text = files["VERIFY.txt"].decode("ascii")
    files["VERIFY.txt"] = text.replace('    "all/gone": a link to nowhere\n', "").encode("ascii")
    cover_up(files)
    pack(files, case / "case.zip")
    capsys.readouterr()
    assert main(["evidence", "verify", "case.zip", "--allow-unsigned"]) == 1
    assert "VERIFY.txt: is not what such a bundle has" in capsys.readouterr().out


def test_a_folder_in_which_nothing_can_be_read_makes_no_bundle(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case / "all").mkdir()
    (case / "all/gone.pcap").symlink_to("nowhere")
    assert main(["evidence", "create", "all", "-o", "case.zip"]) == 2
    assert "no capture here can be read (cannot be read (no such file or folder))" in capsys.readouterr().err
