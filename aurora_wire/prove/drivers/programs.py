"""The search path and the environment of started programs: for root, nothing that another account can change."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from aurora_wire.rights.privileges import Account, acting_as
from aurora_wire.rights.safe_folder import is_safe, only_root_writes

TRUSTED_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Settings that have an interpreter, a linker or a virtual machine load code of others.
CODE_SETTINGS: Final = (
    "PYTHON", "NODE_", "LD_", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "PERL5",
    "BASH_ENV", "ENV", "OPENSSL_", "GCONV_PATH",
)  # fmt: skip


def find_program(name: str, *, system: bool = False) -> str | None:
    """Return the path of a program, or None.

    Root passes over what another account may write to, and looks in the system's folders too; users look on their PATH
    (system: then in the system's folders, which the PATH of many leaves out).
    """
    if os.geteuid():
        return shutil.which(name, path=os.environ.get("PATH", "") + (os.pathsep + TRUSTED_PATH if system else ""))
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), *TRUSTED_PATH.split(os.pathsep)):
        path = Path(folder) / name
        if path.is_absolute() and is_trusted(path) and os.access(path, os.X_OK):
            return str(path)
    return None


def is_trusted(path: Path) -> bool:
    """Return whether only root may write to a file, to what it is a link to, and to the folders above them."""
    try:
        real = path.resolve(strict=True)
        return real.is_file() and only_root_writes(real.stat()) and is_safe(path.parent) and is_safe(real.parent)
    except OSError:
        return False


def without_foreign_code(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment for what is started with root's rights."""
    if os.geteuid():
        return environment
    kept = {name: value for name, value in environment.items() if not name.startswith(CODE_SETTINGS)}
    return kept | {"PATH": TRUSTED_PATH}


def reachable(account: Account | None) -> str:
    """Return the folder for temporary files; another one where `account` could not make one there."""
    usual = tempfile.gettempdir()
    if account is None:
        return usual
    for place in (usual, "/tmp", "/var/tmp"):  # noqa: S108 - the new folder's name is not to be guessed
        with acting_as(account):
            if os.access(place, os.W_OK | os.X_OK, effective_ids=True):
                return place
    return usual
