"""A real server while a block runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.real.certificates import Certificates
from tests.real.servers import NotThereError, Server

S = TypeVar("S", bound=Server)


@contextmanager
def running(kind: type[S], certificates: Certificates, *, with_tls: bool = True) -> Iterator[S]:
    """A server that is not there is a reason to skip, but not in CI, which installs it."""
    try:
        server = kind(certificates, with_tls=with_tls)
    except NotThereError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (in CI it has to be)")
        pytest.skip(str(missing))
    try:
        server.start()
        yield server
    finally:
        server.stop()
