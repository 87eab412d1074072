"""Ctrl-C while something is cleaned up."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from aurora_wire.prove.demo_server.mariadb import Embedded
from aurora_wire.signals import held_back


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_is_answered_when_the_cleaning_up_is_done(times: int) -> None:
    done: list[int] = []

    def clean() -> None:
        with held_back():
            for number in range(times):
                signal.raise_signal(signal.SIGINT)
                done.append(number)

    with pytest.raises(KeyboardInterrupt):
        clean()
    assert len(done) == times
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_fails_meanwhile_is_not_lost() -> None:
    with pytest.raises(OSError, match="no such place"), held_back():
        raise OSError("no such place")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_clean_up_all_the_same() -> None:
    done = threading.Event()

    def clean() -> None:
        with held_back():
            done.set()

    thread = threading.Thread(target=clean)
    thread.start()
    thread.join()
    assert done.is_set()


def test_a_server_that_is_stopped_leaves_no_folder_though_ctrl_c_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Embedded()
    folder = tmp_path / "server"
    (folder / "data").mkdir(parents=True)
    server._folder = folder
    monkeypatch.setattr(Embedded, "_end", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        server.stop()
    assert not folder.exists()
