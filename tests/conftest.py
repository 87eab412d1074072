"""What all tests share: other people's captures, golden outputs, and which mode of the core ran."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.folders import IN_MEMORY

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

# Outputs are those of a pipe, whatever terminal the tests run in; pytest's workers are told a width of their own.
for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
    os.environ.pop(name, None)

# Who runs the tests in the background (`nohup make test &`) has them begin with signals ignored, and so would every
# program that they start, whose end by a signal is what some of them are about.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

if IN_MEMORY is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)

# `pytest -n 2` gives each worker files to run. What these have in common is one of its kind on a machine: a server of
# each sort, clients that are installed when they are asked for, the interfaces. One worker runs them all, in turn,
# and begins with them, as they take longest.
ON_ONE_WORKER = (
    "tests/real/", "tests/prove/", "tests/capture/test_live.py", "tests/cli/test_watch.py",
    "tests/cli/test_watch_privileges.py",
)  # fmt: skip
# Any worker runs these: they take a minute and mostly wait, and install nothing that others ask for.
# Servers are private to a worker, so a second one of a kind costs its start and nothing else.
BY_THEMSELVES = (
    "tests/real/test_demo.py", "tests/real/test_demo_rights.py", "tests/real/test_evidence_elsewhere.py",
    "tests/real/test_fix_clients.py", "tests/real/test_probe_judges.py", "tests/real/test_probe_setups.py",
    "tests/real/test_remedies.py", "tests/real/test_rights_matrix.py",
)  # fmt: skip


def on_one_worker(nodeid: str) -> bool:
    return nodeid.startswith(ON_ONE_WORKER) and not nodeid.startswith(BY_THEMSELVES)


# How long an example takes is no finding where other tests run at the same time.
hypothesis.settings.register_profile("side by side", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("side by side")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write golden files instead of comparing.")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what `-n auto` means: one worker more than there are cores, as that of ON_ONE_WORKER mostly waits."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Whole files to each worker, in the order of the run."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ON_ONE_WORKER[0] if on_one_worker(nodeid) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not on_one_worker(item.nodeid))


def pytest_report_header() -> str:
    from aurora_wire import binary as reads
    from aurora_wire import errors

    compiled = not reads.__file__.endswith(".py")
    return f"aurora_wire: {'compiled' if compiled else 'interpreted'} core, from {Path(errors.__file__).parent}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of captures that other people recorded: beside the project, never in it."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the project: what other people's captures show is not tested")
    return SHARED


# What the field's captures are about: damaged or odd on purpose, so that other readers refuse them or differ.
ODD = ("05-", "06-", "07-", "08-", "09-", "21-", "22-", "23-")


@pytest.fixture(scope="session")
def shared_captures(shared: Path) -> list[Path]:
    """Every shared capture that other programs read too, to be judged by them."""
    folders = [shared / "corpus", shared / "lab", shared / "field"]
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".pcap", ".pcapng")]
    found = [path for path in found if path.parent.name != "folder-skip" and not path.name.startswith(ODD)]
    assert len(found) > 280
    return sorted(found)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: text is what the file beside the test holds; --update-golden writes it."""

    def check(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        assert path.is_file(), f"{path} is missing: run with --update-golden and read the diff"
        assert text == path.read_bytes().decode("utf-8"), f"differs from {path}"

    return check
