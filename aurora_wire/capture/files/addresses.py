"""What an address is (`s3://`, `gs://`, `abfs://`, `https://`), and what it is called where others may read it.

Every scan asks whether a path is one; what reads them is in remote.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from urllib.parse import SplitResult

WEB: Final = ("http", "https")
S3: Final = ("s3", "s3a")
GOOGLE: Final = ("gs", "gcs")
AZURE: Final = ("abfs", "abfss")
SCHEMES: Final = (*S3, *GOOGLE, *AZURE, *WEB)

given: dict[str, str] = {}      # by what an address is called: all of it


def find_scheme(path: str) -> str:
    """Return `s3` of `s3://bucket/key`; empty where it is no address."""
    scheme, colon, _ = path.partition("://")
    return scheme.lower() if colon and scheme.isascii() and scheme.replace("+", "").isalnum() else ""


def is_remote(path: str) -> bool:
    """Return whether a path is an address that is read over the network."""
    return find_scheme(path) in SCHEMES


def shown(path: str) -> str:
    """Return what a path is called: without the secrets that an address may hold. `open_remote` takes both."""
    if not is_remote(path):
        return path
    from urllib.parse import urlsplit  # noqa: PLC0415 - for addresses only

    parts = urlsplit(path) if find_scheme(path) in WEB else split_object(path)
    name = parts.netloc.rpartition("@")[2] if find_scheme(path) not in AZURE else parts.netloc
    called = f"{find_scheme(path)}://{name}{parts.path}"
    if called != path:
        given[called] = path
    return called


def split_object(path: str) -> SplitResult:
    """Split the address of an object, whose key may hold any character."""
    from urllib.parse import SplitResult  # noqa: PLC0415 - for addresses only

    scheme, _, rest = path.partition("://")
    bucket, slash, key = rest.partition("/")
    return SplitResult(scheme.lower(), bucket, f"{slash}{key}", "", "")
