"""An account that attacks root: a process of its own that puts links in the place of whatever appears in its folder."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import pytest

UID = 54_321
SECRET = b"only root may read this: 7f3a\n"
TRIES = 100

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be attacked by another account")


class Attack:
    """The attacker's folder `place`, and `roots`, a folder of root's that must come out as it was.

    `names` are those that root is about to write to: the attacker has laid links there before, lays them again and
    again, lays them in the place of every new file or folder, and of the folder itself.
    """

    def __init__(self, names: Sequence[str], *, private: bool = True) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="aw-attack-"))
        self.base.chmod(0o755)
        self.roots = self.base / "roots"
        self.roots.mkdir(mode=0o700 if private else 0o755)
        self.precious = self.roots / "precious"
        self.precious.write_bytes(SECRET)
        self.precious.chmod(0o600)
        self.home = self.base / "home"
        self.place = self.home / "place"
        for folder in (self.home, self.place):
            folder.mkdir()
            os.chown(folder, UID, UID)
        self.names = names
        self._pid = 0

    def __enter__(self) -> Attack:
        return self

    def start(self, *, swap_folder: bool = True) -> None:
        """Begin to race."""
        ready, tell = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                os.setgroups([])
                os.setresgid(UID, UID, UID)
                os.setresuid(UID, UID, UID)
                os.chdir(self.home)
                first = True
                while os.getppid() != 1:
                    self._round(swap_folder=swap_folder)
                    if first:
                        os.write(tell, b".")
                        first = False
            finally:
                os._exit(0)
        os.close(tell)
        os.read(ready, 1)
        os.close(ready)

    def _round(self, *, swap_folder: bool) -> None:
        for name in self.names:
            with suppress(OSError):
                (self.place / name).symlink_to(self.precious)
        taken = self.home / "taken"
        found: list[Path] = []
        with suppress(OSError):
            found = list(self.place.iterdir())
        for path in found:
            with suppress(OSError):
                if not path.is_symlink():
                    path.rename(taken)
                    path.symlink_to(self.roots if taken.is_dir() else self.precious)
        if swap_folder:
            with suppress(OSError):
                self.place.rename(self.home / "away")
            with suppress(OSError):
                self.place.symlink_to(self.roots)
            with suppress(OSError):
                self.place.unlink()
            with suppress(OSError):
                (self.home / "away").rename(self.place)
        for name in self.names:
            with suppress(OSError):
                (self.place / name).unlink()

    def check(self) -> None:
        """Nothing of root's was read, written, made or given away."""
        self.stop()
        assert self.precious.read_bytes() == SECRET
        state = self.precious.stat()
        assert (state.st_uid, stat.S_IMODE(state.st_mode), state.st_nlink) == (0, 0o600, 1)
        assert [path.name for path in self.roots.iterdir()] == ["precious"]
        assert self.roots.stat().st_uid == 0
        for path in self.home.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert SECRET not in path.read_bytes(), path

    def stop(self) -> None:
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.base)


def raced(attack: Attack, work: Callable[[], object], *, swap_folder: bool = True) -> int:
    """Do it as often as TRIES while the attacker races; the number of times that it was done."""
    attack.start(swap_folder=swap_folder)
    done = 0
    for _ in range(TRIES):
        if work():
            done += 1
    attack.check()
    return done


@contextmanager
def called_by(monkeypatch: pytest.MonkeyPatch, uid: int | None) -> Iterator[None]:
    """As sudo sets it up (None: root itself)."""
    with monkeypatch.context() as patch:
        for name in ("DOAS_USER", "PKEXEC_UID"):
            patch.delenv(name, raising=False)
        for name in ("SUDO_UID", "SUDO_GID"):
            if uid is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, str(uid))
        yield
