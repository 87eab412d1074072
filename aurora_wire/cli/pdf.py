"""An HTML report as PDF, printed by Chromium where it is installed: the same content, and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aurora_wire.errors import UsageError
from aurora_wire.rights.privileges import Account, account_to_become, acting_as, list_groups

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FOLDERS: Final = "/usr/bin:/usr/local/bin:/bin:/snap/bin:/opt/google/chrome"   # where root looks
MISSING: Final = (
    "--format pdf needs Chromium, which prints the page (Debian, Ubuntu: apt install chromium). Without it, write HTML "
    "and print it in a browser."
)
FLAGS: Final = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip
SECONDS: Final = 120
SAID: Final = 300           # characters of what Chromium says where it fails
PDF: Final = b"%PDF-"


def find_chromium() -> str:
    """Return the program. Raises UsageError where there is none."""
    path = FOLDERS if os.geteuid() == 0 else None
    for name in PROGRAMS:
        found = shutil.which(name, path=path)
        if found is not None:
            return found
    raise UsageError(MISSING)


def print_pdf(program: str, pieces: Iterable[str]) -> bytes:
    """Return a page, in pieces of ASCII, as PDF. Chromium never runs as root. Raises UsageError."""
    account = account_to_become()
    with tempfile.TemporaryDirectory(prefix="aurora-wire-pdf-") as folder:
        page, printed = Path(folder, "report.html"), Path(folder, "report.pdf")
        with page.open("w", encoding="ascii") as file:
            file.writelines(pieces)
        if account is not None:
            for path in (Path(folder), page):
                os.chown(path, account.uid, account.gid)
        said = ""
        # Its sandbox needs what containers often lack; as nobody, on a page that asks for nothing, it may do without.
        for sandbox in ((), ("--no-sandbox",)):
            said = _run([program, *FLAGS, *sandbox, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}",
                         page.as_uri()], folder, account)  # fmt: skip
            with acting_as(account):  # the folder is theirs: what lies there may be a link to what they may not read
                data = printed.read_bytes() if printed.is_file() else b""
            if data.startswith(PDF):
                return data
    raise UsageError(f"{program} printed no PDF: {' '.join(said.split())[-SAID:] or 'it said nothing'}.")


def _run(command: list[str], folder: str, account: Account | None) -> str:
    """Run Chromium as who called, or nobody where root itself did; answers what it said on standard error."""
    environment = {"HOME": folder, "PATH": "/usr/bin:/bin", "TMPDIR": folder, "LANG": "C.UTF-8"}
    rights: dict[str, object] = {}
    if account is not None:
        rights = {"user": account.uid, "group": account.gid, "extra_groups": list_groups(account)}
    try:
        done = subprocess.run(  # noqa: S603 - the program that was found, and our own options
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
            check=False, **rights,  # type: ignore[call-overload]
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took longer than {SECONDS} s"
    except OSError as error:
        return str(error.strerror)
    return str(done.stderr.decode("utf-8", "replace"))
