"""Time-stamps of an authority, asked for over the network and checked without it."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aurora_wire.cli import main
from tests.evidence.authority import authority
from tests.evidence.bundles import cover_up, make, pack, unpack, write_captures


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and certificate."""
    folder = tmp_path_factory.mktemp("tsa") / "authority"
    with authority(folder) as url:
        yield url, folder / "ca.pem"


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_captures(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["evidence", "keygen", "-o", "examiner"]) == 0
    return tmp_path


def test_a_stamped_bundle_verifies_here_and_with_openssl(
    case: Path, tsa: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    url, certificate = tsa
    files = make("--key", "examiner", "--timestamp", url)
    assert b"Geheim" not in b"".join(files.values())
    capsys.readouterr()
    assert main(["evidence", "verify", "case.zip", "--key", "examiner.pub", "--tsa", str(certificate)]) == 0
    assert "ok      time-stamp: of 20" in capsys.readouterr().out
    assert main(["evidence", "verify", "case.zip"]) == 3
    assert "note    time-stamp: of 20" in capsys.readouterr().out
    Path("case").mkdir()
    subprocess.run(["unzip", "-q", "case.zip", "-d", "case"], check=True, timeout=30)
    command = next(line for line in files["VERIFY.txt"].decode().splitlines() if "openssl ts -verify" in line)
    words = command.strip().removeprefix("$ ").replace("tsa.pem", str(certificate)).split()
    answer = subprocess.run(words, cwd="case", capture_output=True, text=True, timeout=30, check=True)
    assert "Verification: OK" in answer.stdout + answer.stderr


def test_a_stamp_of_something_else_or_of_another_authority_is_found(
    case: Path, tsa: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, certificate = tsa
    files = make("--key", "examiner", "--timestamp", url)
    with authority(tmp_path / "other"):
        assert main(["evidence", "verify", "case.zip", "--tsa", str(tmp_path / "other" / "ca.pem")]) == 1
    assert "FAILED  time-stamp: no authority in" in capsys.readouterr().out
    other = make("--key", "examiner", "--timestamp", url, "--case", "other")
    files["signature/timestamp.tsr"] = other["signature/timestamp.tsr"]
    cover_up(files)
    pack(files, Path("case.zip"))
    assert main(["evidence", "verify", "case.zip", "--tsa", str(certificate)]) == 1
    assert "it is a time-stamp of something else" in capsys.readouterr().out
    files["signature/timestamp.tsr"] = b"nothing"
    cover_up(files)
    pack(files, Path("case.zip"))
    assert main(["evidence", "verify", "case.zip"]) == 1
    assert "it is no time-stamp" in capsys.readouterr().out
    make("--key", "examiner")
    assert main(["evidence", "verify", "case.zip", "--tsa", str(certificate)]) == 1
    assert "signature/timestamp.tsr" not in unpack(Path("case.zip"))
    assert main(["evidence", "verify", "case.zip", "--tsa", "examiner.pub"]) in (1, 2)


def test_no_authority_or_a_wrong_answer_is_one_line_without_secrets(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://user:Geheim-17@127.0.0.1:{free.getsockname()[1]}/?token=Geheim-18"
        arguments = ["evidence", "create", "plain.pcap", "-o", "case.zip", "--key", "examiner", "--timestamp"]
        assert main([*arguments, nobody]) == 2
    with authority(tmp_path / "odd", answers=b"nothing") as url:
        assert main([*arguments, url]) == 2
    said = capsys.readouterr().err
    assert "no time-stamp (" in said
    assert "the answer is no time-stamp" in said
    assert "Geheim" not in said
    assert not Path("case.zip").exists()
