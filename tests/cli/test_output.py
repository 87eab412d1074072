"""A report file is there whole or not at all, and only its owner reads it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aurora_wire.cli.output import Output, complain
from aurora_wire.errors import OutputError, UsageError


def write(target: Path, text: str, then: type[BaseException] | None = None) -> None:
    with Output(str(target), force=True) as output:
        for at in range(0, len(text), 10_000):
            output.write(text[at : at + 10_000])
        if then is not None:
            raise then


def test_what_is_there_already_is_replaced_with_force_only(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with pytest.raises(UsageError, match="is there already"):
        Output(str(target)).__enter__()
    assert target.read_text() == "old"
    with Output(str(target), force=True) as output:
        output.write("new")
    assert target.read_text() == "new"


def test_what_comes_in_the_meantime_stays(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    output = Output(str(target)).__enter__()
    output.write("ours")
    target.write_text("theirs")
    with pytest.raises(OutputError, match="another file has come there"):
        output.__exit__(None, None, None)
    assert target.read_text() == "theirs"
    assert names(tmp_path) == ["report.json"]


def test_an_interrupted_list_does_not_get_the_name_of_a_whole_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "list.csv"
    for left in ("half", "half"):  # the second one finds that of the first, and leaves it
        with Output(str(target)) as output:
            output.write(left)
            output.interrupted()
        assert names(tmp_path) == ["list.csv.partial"]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"aurora-wire: {target}: interrupted. What was listed until then is in {target}.partial."
    assert said[1].endswith("list.csv.partial is there already.")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    with Output(str(target)) as output:
        output.write("caf\u00e9\n")
        assert not target.exists()
    assert target.read_bytes() == "caf\u00e9\n".encode()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(tmp_path) == ["report.json"]


def test_what_was_there_stays_where_something_fails(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    for error in (KeyboardInterrupt, ZeroDivisionError):
        with pytest.raises(error):
            write(target, "new", then=error)
    assert target.read_text() == "old"
    assert names(tmp_path) == ["report.json"]


def test_a_link_keeps_pointing_where_it_points(tmp_path: Path) -> None:
    target, link = tmp_path / "report.json", tmp_path / "latest"
    target.write_text("old")
    target.chmod(0o644)
    link.symlink_to(target)
    with Output(str(link), force=True) as output:
        output.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with Output(str(pipe)) as output:
        output.write("text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_device_is_told_and_not_replaced() -> None:
    with (
        pytest.raises(OutputError, match=r"^/dev/full: no space left on device\.$"),
        Output("/dev/full") as output,
    ):
        output.write("x" * 1_000_000)
    with pytest.raises(OutputError, match="no space left"), Output("/dev/full") as output:
        output.write("x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    import resource
    import signal

    target = tmp_path / "report.json"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # as good as a full disk: write() fails
    try:
        with pytest.raises(OutputError, match="Nothing was written there"):
            write(target, "x" * 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert names(tmp_path) == []


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """As a user without rights; where the tests don't run as root they are that already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="user ids as on Linux")
def test_a_folder_without_permission_is_one_clear_error_with_exit_code_4(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    target = folder / "report.json"
    with as_somebody_else(), pytest.raises(OutputError) as caught, Output(str(target)):
        pass
    assert str(caught.value) == f"{target}: permission denied. Nothing was written there."
    assert caught.value.exit_code == 4
    assert names(folder) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("", "is a folder"), ("missing/report.json", "no such file or folder"), ("a\0b", "null")],
)
def test_a_place_that_is_none_is_told(tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(OutputError, match=said), Output(str(tmp_path / path)):
        pass


def test_minus_is_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for path in (None, "-"):
        with Output(path) as output:
            output.write("caf\u00e9\n")
            assert not output.is_terminal
    assert capfdbinary.readouterr().out == "caf\u00e9\n".encode() * 2


def test_a_complaint_is_one_line_that_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a\x1b[2J\nb.pcap: no\u202e")
    assert capsys.readouterr().err == "aurora-wire: a\\x1b[2J\\nb.pcap: no\\u202e\n"
