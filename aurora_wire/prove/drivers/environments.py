"""The environments that hold the packages of clients: the running interpreter's, or one of our own.

Own ones lie in a cache folder of the user's, one for each client and version, and are made on demand with
the ordinary tools (venv and pip, npm).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from aurora_wire.errors import AuroraWireError, UsageError, describe_error
from aurora_wire.prove.drivers.interpreter import handles, reached
from aurora_wire.prove.drivers.process import clean_environment
from aurora_wire.prove.drivers.programs import find_program

NOWHERE = "/nonexistent"
INSTALL_SECONDS = 600.0
READY = "ready"  # a file in an environment that is complete
SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")  # a version, and nothing that pip or npm would take for more


@dataclass(frozen=True, slots=True)
class Interpreter:
    """program: its path; versions: of the packages asked for; own: an environment made here."""

    program: str
    versions: dict[str, str]
    own: bool


def find_python(name: str, packages: Sequence[str], version: str) -> Interpreter | None:
    """Return a Python that has all the packages, the first of them in that version (empty: any)."""
    folder = environment_folder(name, version)
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    places: list[tuple[str, list[str] | None, bool]] = [(sys.executable, None, False)]
    if (folder / READY).is_file():
        places.append((str(folder / "bin" / "python"), [str(site)], True))
    for program, path, own in places:
        versions = _versions(packages, path)
        if versions is not None and version in ("", versions[packages[0]]):
            return Interpreter(program, versions, own)
    return None


def _versions(packages: Sequence[str], path: list[str] | None) -> dict[str, str] | None:
    found = {}
    for package in packages:
        version = next(_find_distributions(package, path), None)
        if version is None:
            return None
        found[package] = version.version
    return found


def _find_distributions(package: str, path: list[str] | None) -> Iterator[Distribution]:
    return iter(distributions(name=package) if path is None else distributions(name=package, path=path))


def install_python(
    name: str, packages: Sequence[str], version: str, say: Callable[[str], None], hint: str = ""
) -> None:
    """Make the environment of a client: a venv of this interpreter with the packages.

    hint: what to say where it fails. Raises UsageError then.
    """
    wanted = [packages[0] + (f"=={checked(version)}" if version else ""), *packages[1:]]
    folder = environment_folder(name, version)
    with _making(folder):
        say(f"Installing {', '.join(wanted)} into {folder}")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], folder.parent, hint)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
        _run([*pip, "--disable-pip-version-check", *wanted], folder.parent, hint)


def find_node(name: str, package: str, version: str) -> tuple[Path, str] | None:
    """Return the folder that holds `node_modules` with the package, and its version."""
    import json  # noqa: PLC0415 - only where Node is asked for

    places = [environment_folder(name, version)]
    if os.geteuid():  # what lies in a folder that root happens to stand in is not root's to run
        places.append(Path.cwd())
        places += [Path(path) for path in os.environ.get("NODE_PATH", "").split(os.pathsep) if path]
    for place in places:
        modules = place if place.name == "node_modules" else place / "node_modules"
        try:
            described = json.loads((modules / package / "package.json").read_bytes())
            found = str(described["version"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if version in ("", found):
            return modules, found
    return None


def install_node(name: str, package: str, version: str, say: Callable[[str], None], hint: str = "") -> None:
    npm = find_program("npm")
    if npm is None:
        raise UsageError(f"{name} is not installed, and npm, which would get it, is not there: {hint}")
    wanted = package + (f"@{checked(version)}" if version else "")
    folder = environment_folder(name, version)
    with _making(folder):
        say(f"Installing {wanted} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}\n')
        _run([npm, "install", "--no-audit", "--no-fund", "--silent", wanted], folder, hint)


def built(name: str, source: Path, argv: list[str]) -> Path | None:
    """Return the folder of the cache in which `argv` was run once for this content of `source`, its results in it; None
    where that failed.
    """
    digest = hashlib.sha256(Path(reached(str(source))).read_bytes()).hexdigest()[:16]
    folder = cache_folder() / f"{name}-{digest}"
    if not (folder / READY).is_file():
        try:
            with _making(folder):
                folder.mkdir(exist_ok=True)
                _run(argv, folder, "")
        except AuroraWireError:
            return None
    return folder


def checked(version: str) -> str:
    """Return a version as users type it. Raises UsageError for what pip or npm would read as something else."""
    if not SPEC.fullmatch(version):
        raise UsageError(f"{version}: this is no version.")
    return version


def environment_folder(name: str, version: str) -> Path:
    return cache_folder() / "clients" / f"{name}-{version or 'newest'}"


def cache_folder() -> Path:
    """Return `$XDG_CACHE_HOME/aurora_wire`, else `~/.cache/aurora_wire` of whoever this process is by now.

    `HOME` counts only where it belongs to that user: after privileges were dropped it may still be root's.
    Someone without a home has a folder of their own under the system's temporary one.
    """
    base = os.environ.get("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "aurora_wire"
    for home in (os.environ.get("HOME", ""), find_home(os.geteuid())):
        if home and _is_mine(Path(home)):
            return Path(home) / ".cache" / "aurora_wire"
    folder = Path(tempfile.gettempdir()) / f"aurora_wire-{os.geteuid()}"
    # Whoever comes first can make a folder there, and would have us run what is in it.
    return folder if _is_mine(folder) or not os.path.lexists(folder) else Path(NOWHERE)


def find_home(uid: int) -> str:
    """Return the home of an account, also of one that is in no list."""
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return NOWHERE


def _is_mine(folder: Path) -> bool:
    try:
        state = folder.lstat() if folder.parent == Path(tempfile.gettempdir()) else folder.stat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid()


@contextmanager
def _making(folder: Path) -> Iterator[None]:
    """Hold the lock: one process at a time makes an environment; nothing is left of one that failed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_mine(folder.parent):
            raise UsageError(f"{folder.parent} belongs to someone else: set XDG_CACHE_HOME.")
        with (folder.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / READY).unlink(missing_ok=True)
            try:
                yield
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            (folder / READY).touch()
    except OSError as error:
        raise UsageError(f"{folder}: {describe_error(error)}. Set XDG_CACHE_HOME to a folder that works.") from error


def _run(argv: list[str], folder: Path, hint: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, and a version that was checked
            argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_SECONDS, check=False,
            env=clean_environment(), pass_fds=handles(),
        )  # fmt: skip
    except OSError as error:
        raise UsageError(f"{argv[0]} cannot be run: {describe_error(error)}. {hint}".rstrip()) from error
    except subprocess.TimeoutExpired:
        raise AuroraWireError(f"{argv[0]} took more than {INSTALL_SECONDS:g} s. {hint}".rstrip()) from None
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).decode(errors="replace").splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "")
        raise UsageError(f"`{' '.join(argv[-2:])}` failed: {said.strip()}. {hint}".rstrip())
