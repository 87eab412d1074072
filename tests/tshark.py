"""What tshark prints of a recorded capture.

It takes a quarter of a second to start, and says the same of the same file: the answer is kept in `.cache`, so that the
interpreted run asks for nothing that the compiled one has asked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120


def tshark_path() -> str:
    """Return where tshark is. Without it a test is skipped, and fails in CI, which has to have one."""
    path = shutil.which("tshark")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("tshark is not installed")
        pytest.skip("tshark is not installed")
    return path


def printed(capture: Path, *arguments: str, also_read: tuple[Path, ...] = (), cache: Path = ROOT / ".cache") -> bytes:
    """Return the standard output of `tshark -r CAPTURE ARGUMENTS`. also_read: what else the arguments name."""
    program = tshark_path()
    status = Path(program).stat()
    asked = hashlib.sha256(repr((program, status.st_size, status.st_mtime_ns, arguments)).encode())
    for path in (capture, *also_read):
        asked.update(hashlib.sha256(path.read_bytes()).digest())
    answer = cache / "tshark" / asked.hexdigest()
    if answer.is_file():
        return answer.read_bytes()
    done = subprocess.run(
        [program, "-r", str(capture), *arguments], capture_output=True, check=True, timeout=SECONDS,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    answer.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=answer.parent, delete=False) as file:  # other workers ask, too
        file.write(done.stdout)
    Path(file.name).replace(answer)
    return done.stdout
