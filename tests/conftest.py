"""What all tests share: other people's captures, golden outputs, and which mode of the core ran."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write golden files instead of comparing.")


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
