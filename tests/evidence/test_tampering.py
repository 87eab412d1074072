"""Every way to change a bundle is found, and the output says what."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aurora_wire.cli import main
from tests.evidence.bundles import CAPTURE, ENCRYPTED, PLAIN, Change, cover_up, make, pack, write_captures

FILES = (
    "SHA256SUMS", "SHA256SUMS.sig", "VERIFY.txt", "attestation.dsse.json", CAPTURE, "captures/002-tls.pcap",
    "manifest.json", "report/report.html", "report/report.txt", "report/result.json", "signature/attestation.pae",
    "signature/attestation.sig", "signature/public-key.pem",
)  # fmt: skip

Verify = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A folder with a signed bundle, its key and its captures, and the bundle's files; made once, for each to copy."""
    folder = tmp_path_factory.mktemp("bundle")
    write_captures(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        assert main(["evidence", "keygen", "-o", "examiner"]) == 0
        return folder, make("--key", "examiner")


@pytest.fixture
def files(
    bundle: tuple[Path, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes]:
    """Those of a signed bundle, in the current folder."""
    folder, made = bundle
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    return dict(made)


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    def run(*options: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["evidence", "verify", "case.zip", *(options or ("--key", "examiner.pub"))])
        return code, capsys.readouterr().out

    return run


def test_it_is_these_files_that_are_tampered_with(files: dict[str, bytes], verify: Verify) -> None:
    assert sorted(files) == sorted(FILES)
    pack(files, Path("case.zip"))
    assert verify()[0] == 0


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", [0, 0.5, -1])
def test_a_changed_byte_in_a_file_is_found(files: dict[str, bytes], verify: Verify, name: str, where: float) -> None:
    data = bytearray(files[name])
    at = len(data) - 1 if where == -1 else int(len(data) * where)
    data[at] ^= 1
    if name == "manifest.json":  # packed by hand: it may not be JSON any more
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for other in sorted(files):
                archive.writestr(other, bytes(data) if other == name else files[other])
        Path("case.zip").write_bytes(buffer.getvalue())
    else:
        files[name] = bytes(data)
        pack(files, Path("case.zip"))
    code, said = verify()
    assert code == 1
    assert name in said or "signature" in said
    assert said.splitlines()[-1].startswith("NOT VERIFIED: ")


def test_a_changed_byte_anywhere_in_the_archive_is_found(files: dict[str, bytes], verify: Verify) -> None:
    """Also in what is in no file: headers, times, the list of files."""
    whole = Path("case.zip").read_bytes()
    step = max(1, len(whole) // 50)
    for at in [*range(0, len(whole), step), len(whole) - 1]:
        changed = bytearray(whole)
        changed[at] ^= 0x20
        Path("case.zip").write_bytes(changed)
        assert verify()[0] in ((1, 2) if at < 2 else (1,)), at


def test_a_cut_and_a_longer_archive_are_found(files: dict[str, bytes], verify: Verify) -> None:
    whole = Path("case.zip").read_bytes()
    for changed in (whole[:-1], whole[: len(whole) // 2], whole + b"!", b"!" + whole):
        Path("case.zip").write_bytes(changed)
        assert verify()[0] == (2 if changed[:1] == b"!" and changed[1:] != whole else 1)


def add(files: dict[str, bytes]) -> None:
    files["captures/003-more.pcap"] = PLAIN


def take_away(files: dict[str, bytes]) -> None:
    del files["report/report.txt"]


def take_capture(files: dict[str, bytes]) -> None:
    del files[CAPTURE]


def swap(files: dict[str, bytes]) -> None:
    files[CAPTURE], files["captures/002-tls.pcap"] = files["captures/002-tls.pcap"], files[CAPTURE]


def replace_capture(files: dict[str, bytes]) -> None:
    files[CAPTURE] = ENCRYPTED


def forge_result(files: dict[str, bytes]) -> None:
    files["report/result.json"] = files["report/result.json"].replace(b'"plaintext"', b'"encrypted"')


def forge_manifest(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b'"mixed"', b'"encrypted"')


def forge_time(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b"2023-11-14", b"2022-11-14")


CHANGES: dict[str, tuple[Change, str]] = {
    "a file added": (add, "captures/003-more.pcap"),
    "a file taken away": (take_away, "report/report.txt"),
    "a capture taken away": (take_capture, CAPTURE),
    "captures swapped": (swap, CAPTURE),
    "a capture replaced": (replace_capture, CAPTURE),
    "a result forged": (forge_result, "verdict"),
    "a manifest forged": (forge_manifest, "manifest.json"),
    "a time forged": (forge_time, "manifest.json"),
}


@pytest.mark.parametrize("covered", [False, True], ids=["", "and covered up"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_done_is_found_and_named(files: dict[str, bytes], verify: Verify, change: str, covered: bool) -> None:
    done, words = CHANGES[change]
    done(files)
    if covered:
        cover_up(files)
    pack(files, Path("case.zip"))
    code, said = verify()
    assert code == 1
    assert words in said
    if covered:
        assert "FAILED  signature: " in said or "is missing" in said


@pytest.mark.parametrize("change", ["a capture replaced", "captures swapped", "a result forged"])
def test_without_a_signature_the_analysis_run_again_still_tells(
    files: dict[str, bytes], verify: Verify, change: str
) -> None:
    CHANGES[change][0](files)
    for name in list(files):
        if name.startswith(("signature/", "attestation")) or name == "SHA256SUMS.sig":
            del files[name]
    manifest = json.loads(files["manifest.json"])
    manifest["signed_by"] = None
    files["manifest.json"] = json.dumps(manifest).encode()
    cover_up(files)
    pack(files, Path("case.zip"))
    code, said = verify("--format", "text")
    assert code == 1
    assert "FAILED  analysis: run again on 2 captures, it says something else" in said
    assert " in the bundle, " in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (CAPTURE, ["the manifest says", "SHA256SUMS says", "is not as it was signed"]),
        ("report/report.txt", ["the manifest says", "SHA256SUMS says", "is not as it was signed"]),
        ("signature/public-key.pem", ["signature/public-key.pem: is another key"]),
        ("signature/attestation.sig", ["signature/attestation.sig: is not of the attestation"]),
        ("signature/attestation.pae", ["signature/attestation.sig: is not of the attestation"]),
        ("SHA256SUMS.sig", ["SHA256SUMS.sig: is no signature of SHA256SUMS"]),
        ("SHA256SUMS", ["SHA256SUMS.sig: is no signature of SHA256SUMS"]),
    ],
)
def test_each_check_that_a_file_fails_is_told(
    files: dict[str, bytes], verify: Verify, name: str, words: list[str]
) -> None:
    if name == "signature/public-key.pem":
        assert main(["evidence", "keygen", "-o", "forger"]) == 0
        files[name] = Path("forger.pub").read_bytes()
    else:
        files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    pack(files, Path("case.zip"))
    code, said = verify()
    assert code == 1
    assert [word for word in words if word not in said] == []


def test_signed_files_that_are_gone_are_named(files: dict[str, bytes], verify: Verify) -> None:
    del files["report/report.txt"]
    cover_up(files)
    pack(files, Path("case.zip"))
    assert "report/report.txt: was signed, and is not there" in verify()[1]


def test_signed_again_with_another_key_it_is_not_the_examiners(files: dict[str, bytes], verify: Verify) -> None:
    assert main(["evidence", "keygen", "-o", "forger"]) == 0
    Path("plain.pcap").write_bytes(ENCRYPTED)
    make("--key", "forger")
    code, said = verify()
    assert code == 1
    assert "FAILED  signature: it was not made with this key" in said
    assert verify("--key", "forger.pub")[0] == 0


def test_a_signature_taken_away_or_left_in_part_is_found(files: dict[str, bytes], verify: Verify) -> None:
    del files["attestation.dsse.json"]
    cover_up(files)
    pack(files, Path("case.zip"))
    code, said = verify("--format", "text")
    assert code == 1
    assert "is left of it" in said
    for name in list(files):
        if name.startswith("signature/") or name == "SHA256SUMS.sig":
            del files[name]
    cover_up(files)
    pack(files, Path("case.zip"))
    assert verify("--format", "text")[0] == 1  # the manifest still says who signed


def test_an_envelope_over_other_files_is_found(files: dict[str, bytes], verify: Verify) -> None:
    """All signatures are the examiner's, of another bundle of the same case."""
    Path("plain.pcap").write_bytes(ENCRYPTED)
    other = make("--key", "examiner")
    for name in ("attestation.dsse.json", "signature/attestation.pae", "signature/attestation.sig"):
        files[name] = other[name]
    pack(files, Path("case.zip"))
    code, said = verify()
    assert code == 1
    assert "FAILED  signature: " in said


def zipped(path: str, *, compressed: bool = False, name: str = "", data: bytes = b"", mode: int = 0o100644) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, data, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "captures/../../evil", "a\\..\\evil", "C:evil", "captures//x", "captures/", "./x",
             "captures/x/y", "caf\u00e9", "a\nb", " ", ".hidden"]
)  # fmt: skip
def test_a_path_that_climbs_out_is_refused_before_anything_is_unpacked(
    files: dict[str, bytes], verify: Verify, name: str, tmp_path: Path
) -> None:
    zipped("case.zip", name=name, data=b"evil")
    code, said = verify()
    assert code == 1
    assert "is no name of a file in a bundle" in said
    assert not list(tmp_path.parent.glob("evil"))


def test_a_bomb_is_refused_before_it_is_unpacked(files: dict[str, bytes], verify: Verify) -> None:
    zipped("case.zip", compressed=True, name="captures/bomb", data=bytes(50_000_000))
    assert Path("case.zip").stat().st_size < 200_000
    code, said = verify()
    assert code == 1
    assert "captures/bomb is compressed" in said


def test_files_that_share_bytes_are_refused(files: dict[str, bytes], verify: Verify) -> None:
    """The other kind of bomb: many entries for the same bytes."""
    data = bytes(1_000_000)
    with zipfile.ZipFile("case.zip", "a") as archive:
        archive.writestr("captures/kernel", data)
        first = archive.getinfo("captures/kernel")
        for number in range(50):
            copy = zipfile.ZipInfo(f"captures/more-{number}")
            copy.header_offset, copy.CRC = first.header_offset, first.CRC
            copy.file_size = copy.compress_size = len(data)
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
    code, said = verify()
    assert code == 1
    assert "FAILED  archive" in said or "FAILED  hashes" in said


def test_a_link_an_encrypted_file_and_a_name_twice_are_refused(files: dict[str, bytes], verify: Verify) -> None:
    whole = Path("case.zip").read_bytes()
    zipped("case.zip", name="captures/link", data=b"/etc/passwd", mode=0o120777)
    assert "captures/link is no plain file" in verify()[1]
    Path("case.zip").write_bytes(whole)
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped("case.zip", name="manifest.json", data=b"{}")
    assert "manifest.json is there twice" in verify()[1]


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"{}", b'{"schema": "aurora-wire/evidence/1"}', b"[" * 100_000,
     b'{"schema": "aurora-wire/evidence/1", "created": "2023-11-14T22:13:20Z", "captures": [{"file": "x"}]}',
     b'{"schema": "aurora-wire/evidence/1", "created": 5, "captures": {"a": 1}, "files": [3], "options": 7}'],
)  # fmt: skip
def test_a_manifest_of_any_shape_is_an_answer_and_no_crash(
    files: dict[str, bytes], verify: Verify, manifest: bytes
) -> None:
    with zipfile.ZipFile("other.zip", "w") as archive:
        for name in sorted(files):
            archive.writestr(name, manifest if name == "manifest.json" else files[name])
    Path("other.zip").rename("case.zip")
    assert verify()[0] == 1


def test_sums_of_the_sums_are_what_sha256sum_computes(files: dict[str, bytes]) -> None:
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest


@pytest.mark.parametrize("name", ["broken-signature", "forged-html", "forged-other-version", "x3-capture-facts"])
@pytest.mark.parametrize("options", [(), ("--allow-unsigned",)])
def test_no_forged_bundle_is_verified(
    shared: Path, name: str, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evidence", "verify", str(shared / "field" / "bundles" / f"{name}.zip"), *options]) in (1, 3)
    assert not capsys.readouterr().out.splitlines()[-1].startswith("VERIFIED")


# What the manifest says besides what is compared elsewhere: of captures, of its own form, and of the tool.
MANIFEST_FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "packets": lambda manifest: manifest["captures"][0].update(packets=3),
    "times": lambda manifest: manifest["captures"][0].update(first_time="1999-01-01T00:00:00Z"),
    "drops": lambda manifest: manifest["captures"][0].update(dropped_packets=0),
    "what the capture says": lambda manifest: manifest["captures"][0]["says"].update(hardware="a forger's"),
    "the original's hash": lambda manifest: manifest["captures"][0]["original"].update(sha256="0" * 64),
    "the original's size": lambda manifest: manifest["captures"][0]["original"].update(bytes=1),
    "a fact more": lambda manifest: manifest.update(checked_by="the court"),
    "a fact less": lambda manifest: manifest.pop("clock"),
    "another tool": lambda manifest: manifest["tool"].update(version="0.0.1"),
}


@pytest.mark.parametrize("what", MANIFEST_FORGERIES)
def test_a_forged_fact_of_the_manifest_is_noticed(
    files: dict[str, bytes], what: str, verify: Verify
) -> None:
    files = make()
    manifest = json.loads(files["manifest.json"])
    MANIFEST_FORGERIES[what](manifest)
    files["manifest.json"] = json.dumps(manifest).encode()
    cover_up(files)
    pack(files, Path("case.zip"))
    code, said = verify("--allow-unsigned")
    assert code in (1, 3)
    assert not said.splitlines()[-1].startswith("VERIFIED")
