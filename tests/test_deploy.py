"""What examples/deploy holds: a unit that systemd calls hardened, an image that a linter takes, and its entrypoint."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aurora_wire.cli.whole_parser import whole_parser

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "examples" / "deploy"
UNIT = DEPLOY / "aurora-wire.service"
DOCKERFILE = DEPLOY / "Dockerfile"
MOST_EXPOSED = 2.5  # of 10, as `systemd-analyze security` counts


def systemd(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = ["systemd-analyze", "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_has_one_capability_and_no_account_that_is_there_before() -> None:
    unit = settings()
    assert unit["AmbientCapabilities"] == unit["CapabilityBoundingSet"] == ["CAP_NET_RAW"]
    assert unit["DynamicUser"] == unit["NoNewPrivileges"] == ["yes"]
    assert "User" not in unit


def test_the_command_of_the_unit_is_one_that_the_program_takes() -> None:
    words = settings()["ExecStart"][0].split()[1:]
    arguments = whole_parser().parse_args([word for word in words if word != "$OPTIONS"])
    assert arguments.command == "watch"
    assert arguments.metrics == ("127.0.0.1", 9306)


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/aurora-wire/bin/aurora-wire", "/bin/true"))
    done = systemd("verify", str(copy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_calls_the_unit_hardened() -> None:
    done = systemd("security", "--offline=true", str(UNIT))
    found = re.search(r"Overall exposure level for \S+ (\d+\.\d+) OK", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= MOST_EXPOSED


def test_the_image_runs_as_nobody_s_account_and_one_file_has_one_capability() -> None:
    text = DOCKERFILE.read_text()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"setcap (\S+) (\S+)", text) == [("cap_net_raw+ep", "/opt/aurora-wire/bin/python-capture")]
    for source in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


def test_a_linter_takes_the_image() -> None:
    beside = Path(sys.executable).parent  # the environment's own, which is not on the PATH
    hadolint = shutil.which("hadolint", path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    # DL3008: versions of Debian's packages are those of the base image's release.
    done = subprocess.run(
        [hadolint, "--ignore", "DL3008", str(DOCKERFILE)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_only_watch_and_doctor_get_the_capability_and_all_else_runs_without(tmp_path: Path) -> None:
    script = (DEPLOY / "entrypoint.sh").read_text().replace("/opt/aurora-wire/bin", str(tmp_path))
    entrypoint = tmp_path / "entrypoint"
    entrypoint.write_text(script)
    for name in ("aurora-wire", "python-capture"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit "${{REFUSED:-0}}"\necho {name} "$@"\n')
        program.chmod(0o755)

    def started(*arguments: str, refused: str = "0") -> str:
        done = subprocess.run(
            ["sh", str(entrypoint), *arguments], capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "REFUSED": refused},
        )  # fmt: skip
        return done.stdout.strip()

    assert started("watch", "-i", "eth 0") == "python-capture -m aurora_wire watch -i eth 0"
    assert started("scan", "a.pcap") == "aurora-wire scan a.pcap"
    assert started() == "aurora-wire"
    assert started("watch", refused="126") == "aurora-wire watch"


def test_what_builds_the_image_without_root_is_whole_and_gives_the_arguments_that_it_takes() -> None:
    script = DEPLOY / "try-image.sh"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    text = script.read_text()
    for argument in re.findall(r"--build-arg ([A-Z_]+)=", text):
        assert re.search(rf"^ARG {argument}\b", DOCKERFILE.read_text(), re.MULTILINE), argument
    for path in re.findall(r"(?:captures|examples)/\S+", text):
        assert (ROOT / path.rstrip(":;`")).exists(), path
    assert "examples/deploy/try-image.sh" in (ROOT / "Makefile").read_text()
