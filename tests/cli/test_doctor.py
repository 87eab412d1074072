"""`aurora-wire doctor`: what it says of machines of every kind, of this one, and that its table of extras is true."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from aurora_wire.capture.live.bpf import DROP_ALL, Filter
from aurora_wire.capture.live.ring import LiveCapture
from aurora_wire.cli import main
from aurora_wire.cli.doctor import NAMES, _text
from aurora_wire.cli.installation import (
    CAP_NET_RAW,
    CAPTURE,
    EXTRA_PACKAGES,
    EXTRAS,
    MISSING,
    OK,
    OPTIONAL,
    Check,
    Machine,
    checks,
    look,
    packages_command,
    summary,
    version_key,
)
from aurora_wire.errors import AuroraWireError
from aurora_wire.report.wording import Style
from tests.cli.running import COMMAND, ENVIRONMENT, run
from tests.report.schemas import valid

ROOT = Path(__file__).resolve().parent.parent.parent
USER = Machine(
    "Linux", "debian", "Debian GNU/Linux 12", bounding=CAP_NET_RAW | 1, refused="no permission to capture",
    interfaces=["eth0"], libpcap="libpcap version 1.10.3",
    programs={name: f"/usr/bin/{name}" for name in ("tcpdump", "sudo", "setcap", "cc")},
    versions={package: "99" for _, packages in EXTRA_PACKAGES.values() for package in packages},
    python="/venv/bin/python3", called=["/venv/bin/aurora-wire"],
)  # fmt: skip
COPY = "/venv/bin/python-capture"


def of(machine: Machine, name: str) -> Check:
    (found,) = (check for check in checks(machine) if check.name == name)
    return found


def test_the_table_of_extras_is_that_of_pyproject() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    told = {
        name: sorted(f"{package}>={least}" for package, (_, least) in packages.items())
        for name, (_, packages) in EXTRA_PACKAGES.items()
    }
    assert told == {
        name: sorted(one.replace("[c]", "").partition(",<")[0] for one in extras[name])  # a faster form of the same
        for name in extras if name not in ("all", "test", "test-spark", "docs")
    }


def test_who_may_capture_needs_nothing() -> None:
    able = replace(USER, refused=None, effective=CAP_NET_RAW)
    found = list(checks(able))
    assert {check.status for check in found} == {OK}
    assert all(check.get == [] for check in found)
    assert summary(found, []) == []


def test_without_the_right_there_are_three_ways_each_a_whole_command() -> None:
    right = of(USER, "right to capture")
    assert right.status == MISSING
    assert right.get == [
        "sudo /venv/bin/aurora-wire watch",
        f"sudo cp /venv/bin/python3 {COPY} && sudo setcap cap_net_raw+ep {COPY} && {COPY} -m aurora_wire watch",
        "aurora-wire relay --listen 127.0.0.1:3307 --to HOST:3306",
    ]


@pytest.mark.parametrize(
    ("change", "words", "first"),
    [
        ({"effective": CAP_NET_RAW}, "a seccomp profile", "aurora-wire relay"),
        ({"bounding": 1, "is_root": True}, "taken from all that runs here", "aurora-wire relay"),
        ({"bounding": 1, "container": "docker"}, "taken from all that runs here", "docker run --cap-add NET_RAW"),
        ({"container": "kubernetes"}, "has no CAP_NET_RAW", "kubectl debug"),
        ({"no_new_privileges": True}, "no_new_privs", "aurora-wire relay"),
        ({"granted_copy": "/venv/bin/python-capture"}, "a copy of it", "/venv/bin/python-capture -m aurora_wire watch"),
        ({"system": "Darwin", "family": "macos"}, "no AF_PACKET", "sudo tcpdump -U -w -"),
    ],
)
def test_each_reason_why_capture_fails_has_its_words_and_its_way_out(
    change: dict[str, object], words: str, first: str
) -> None:
    machine = replace(USER, **change)  # type: ignore[arg-type]
    (right,) = (check for check in checks(machine) if check.area == CAPTURE and check.status == MISSING)
    assert words in right.detail
    assert right.get[0].startswith(first)


@pytest.mark.parametrize(
    ("family", "libpcap", "compiler"),
    [
        ("debian", "sudo apt-get install libpcap0.8", "sudo apt-get install gcc python3-dev"),
        ("fedora", "sudo dnf install libpcap", "sudo dnf install gcc python3-devel"),
        ("alpine", "sudo apk add libpcap", "sudo apk add gcc musl-dev python3-dev"),
        ("suse", "sudo zypper install libpcap1", "sudo zypper install gcc python3-devel"),
        ("arch", "sudo pacman -S libpcap", "sudo pacman -S gcc"),
        ("macos", "brew install libpcap", "xcode-select --install"),
    ],
)
def test_each_system_is_told_in_its_own_words(family: str, libpcap: str, compiler: str) -> None:
    machine = replace(USER, family=family, libpcap="", compiled=False, programs={})
    assert packages_command(machine, "libpcap") == [libpcap]
    core = of(machine, "core")
    assert core.status == OPTIONAL
    assert of(machine, "libpcap").get == [libpcap]
    assert core.get[0].startswith(f"{compiler} && pip install --force-reinstall")


def test_an_unknown_system_is_told_what_is_missing_and_no_command() -> None:
    assert of(replace(USER, family="", libpcap=""), "libpcap").get == []


def test_an_extra_is_missing_where_a_package_is_or_is_too_old() -> None:
    without = {name: version for name, version in USER.versions.items() if name != "securesystemslib"}
    evidence = of(replace(USER, versions=without | {"cryptography": "41.0.7"}), "evidence")
    assert evidence.status == OPTIONAL
    assert "securesystemslib not installed; cryptography 41.0.7 is older than 42" in evidence.detail
    assert evidence.get == ["pip install 'aurora_wire[evidence]'"]
    piped = replace(USER, versions=without, installer=["pipx", "inject", "aurora-wire"])
    assert of(piped, "evidence").get == ["pipx inject aurora-wire securesystemslib"]
    assert version_key("3.1rc1") < version_key("3.1.1") < version_key("10")


def test_what_is_needed_decides_the_exit_code() -> None:
    found = list(checks(replace(USER, versions={})))
    assert [check.name for check in summary(found, [])] == ["right to capture"]
    assert [check.name for check in summary(found, ["report", "libpcap"])] == ["report"]
    assert {check.area for check in summary(found, [EXTRAS])} == {EXTRAS}


def test_names_that_can_be_needed_are_those_of_lines() -> None:
    named = {check.name for check in checks(USER) if check.area != EXTRAS}
    assert named == set(NAMES)


def test_this_machine_is_told_as_it_is() -> None:
    try:
        LiveCapture([], Filter("nothing", DROP_ALL, DROP_ALL), buffer=1).close()
        able = True
    except AuroraWireError:
        able = False
    assert (look().refused is None) is able
    done = run("doctor", "--format", "json", "--need", "keylog")
    told = valid("doctor", done.stdout)
    right = next(check for check in told["checks"] if check["name"] == "right to capture")
    assert (right["status"] == OK) is able
    assert done.returncode == (0 if told["complete"] else 1)
    assert {check["area"] for check in told["checks"]} == {"program", CAPTURE, EXTRAS, "clients"}


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be taken from root")
def test_without_capabilities_it_says_so_and_ends_with_1() -> None:
    bare = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run([*bare, *COMMAND, "doctor"], env=ENVIRONMENT, capture_output=True, check=False, timeout=60)
    shown = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert "missing   right to capture" in shown
    assert shown.rstrip().endswith("Missing: right to capture.")


def test_the_docs_show_what_it_says_of_such_a_machine(pytestconfig: pytest.Config) -> None:
    machine = replace(USER, python="/home/dba/.venv/bin/python", called=["/home/dba/.venv/bin/aurora-wire"])
    found = [check for check in checks(machine) if check.area != EXTRAS or check.name == "report"]
    told = "\n".join(_text(machine, found, summary(found, []), Style(100)))
    page = ROOT / "docs" / "install.md"
    before, _, rest = page.read_text().partition("```text\n")
    if pytestconfig.getoption("--update-golden"):
        page.write_text(f"{before}```text\n{told}\n```{rest.partition('```')[2]}")
    assert page.read_text() == f"{before}```text\n{told}\n```{rest.partition('```')[2]}", "run with --update-golden"


def test_a_name_that_is_none_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--need", "pcap"]) == 2
    said = capsys.readouterr().err
    assert "'pcap' is none of " in said
    assert "libpcap" in said
    assert "mysql2" in said
