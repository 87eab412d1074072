"""Captures in object stores and on web servers: `s3://`, `gs://`, `abfs://`, `https://`, read as a stream.

Nothing of them is stored: a block is asked for when the one before it was decoded. Object stores are read by pyarrow's
file systems, which take credentials from where each cloud's own programs take them; web servers by the standard
library. What an address holds besides its path (user, password, a signed query) is for opening it alone: results,
reports and errors call it by the rest.

Sources: Apache Arrow, "Filesystem Interface"; AWS SDKs, "Service-specific endpoints"; RFC 9110.
"""

from __future__ import annotations

import base64
import importlib.util
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from aurora_wire._version import VERSION
from aurora_wire.capture.files.addresses import (
    AZURE,
    GOOGLE,
    S3,
    WEB,
    find_scheme,
    given,
    is_remote,
    shown,
    split_object,
)
from aurora_wire.errors import CaptureError, UsageError, describe_error
from aurora_wire.rights.inputs import input_file

if TYPE_CHECKING:
    from http.client import HTTPResponse

CONNECT_SECONDS: Final = 15
SILENT_SECONDS: Final = 60       # after which a server that sends nothing is given up
AHEAD: Final = 8 << 20           # bytes asked for at once of an object: each request takes its time
BLOCK: Final = 1 << 20
MAX_OBJECTS: Final = 100_000     # of a folder or a pattern
MISSING: Final = "{}: {}:// needs {}. Install it: pip install 'aurora_wire[remote]'"

_MAGIC: Final = "*?["


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int = ..., /) -> bytes: ...

    def close(self) -> object: ...


class RemoteFile:
    """An object or a page that is being read. size, modified_ns: None where the server does not say.

    `read` raises CaptureError where the connection is cut, the object is gone or was changed meanwhile.
    """

    def __init__(self, path: str, *, seekable: bool = False) -> None:
        """Open it. seekable: where that can be, for `seek`. Raises CaptureError; UsageError where a library is missing.
        """
        self.path = shown(path)
        self.seekable = seekable and find_scheme(path) not in WEB
        self._at = 0
        self._changed: tuple[object, ...] | None = None
        self._info: Callable[[], Any] | None = None
        self.modified_ns: int | None = None
        self._file: Readable
        with _telling(self.path, -1):
            if find_scheme(self.path) in WEB:
                self._file, self.size = _open_web(given.get(self.path, self.path))
            else:
                store, name = _store(given.get(self.path, self.path))
                self._info = partial(store.get_file_info, name)
                info = store.get_file_info(name)
                if not info.is_file:
                    raise FileNotFoundError(name)
                self.size = info.size
                self.modified_ns = info.mtime_ns
                self._changed = info.size, info.mtime_ns
                if self.seekable:
                    self._file = store.open_input_file(name)
                else:
                    self._file = store.open_input_stream(name, compression=None, buffer_size=AHEAD)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`; b"" at the end."""
        with _telling(self.path, self._at):
            block = self._file.read(size if size >= 0 else BLOCK)
        self._at += len(block)
        if not block and size:
            self._check_end()
        return block

    def _check_end(self) -> None:
        if self.size is not None and self._at < self.size:
            raise CaptureError(self.path, self._at, f"the connection was cut ({self.size:,} bytes were announced).")
        if self._info is not None:
            with _telling(self.path, self._at):
                info = self._info()
            if (info.size, info.mtime_ns) != self._changed:
                raise CaptureError(self.path, self._at, "was replaced while it was read. Read it again.")

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, /) -> None:
        """Go on at another place. Only of what is `seekable`."""
        with _telling(self.path, place):
            self._file.seek(place)  # type: ignore[attr-defined]
        self._at = place

    def close(self) -> None:
        with suppress(Exception):  # there is nothing to lose
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stored(path: str) -> BinaryIO | RemoteFile:
    """Open what is stored at a path, a file or an address. Raises what `open` raises; CaptureError for an address."""
    return RemoteFile(path) if is_remote(path) else input_file(path)


def list_remote(path: str) -> list[str]:
    """Return the objects that an address names: those of a folder or a pattern sorted, else itself.

    Raises UsageError where a pattern or a folder names none; CaptureError where the store does not answer.
    """
    if find_scheme(path) in WEB:
        return [shown(path)]
    called = shown(path)
    with _telling(called, -1):
        store, name = _store(given.get(called, called))
        if any(sign in name for sign in _MAGIC):
            found = _matching(store, name)
            if not found:
                raise UsageError(f"{called}: no object matches this pattern.")
        elif name.endswith("/") or "/" not in name or store.get_file_info(name).type.name == "Directory":
            found = _inside(store, name.rstrip("/"))
            if not found:
                raise UsageError(f"{called}: no object is here. Is it the right bucket and folder?")
        else:
            return [called]
    if len(found) > MAX_OBJECTS:
        raise UsageError(f"{called}: {len(found):,} objects are too many ({MAX_OBJECTS:,}). Give a narrower pattern.")
    return [_address(called, one) for one in sorted(found)]


def _inside(store: Any, folder: str, *, recursive: bool = True) -> list[str]:
    """Return the names of the objects in a folder."""
    from pyarrow import fs  # noqa: PLC0415 - for object stores only

    listed = store.get_file_info(fs.FileSelector(folder, recursive=recursive))
    return [one.path for one in listed if one.is_file]


def _matching(store: Any, pattern: str) -> list[str]:
    """Return the names of the objects that a pattern matches; `**` stands for any folders."""
    plain = pattern[: min(pattern.find(sign) for sign in _MAGIC if sign in pattern)]
    folder = plain.rpartition("/")[0]
    if not folder:
        raise UsageError(f"{pattern}: a pattern cannot stand for the bucket itself.")
    matches = re.compile(_expression(pattern)).fullmatch
    recursive = "/" in pattern[len(folder) + 1 :] or "**" in pattern
    return [one for one in _inside(store, folder, recursive=recursive) if matches(one)]


_WILD: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[[^/\]]+\]")
_MEANS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern, as `glob` understands it."""
    made, at = "", 0
    for wild in _WILD.finditer(pattern):
        sign = wild.group()
        inside = sign[1:-1].replace("\\", "\\\\")
        chosen = f"[{'^' + inside[1:] if inside.startswith('!') else inside}]"
        made += re.escape(pattern[at : wild.start()]) + (_MEANS.get(sign) or chosen)
        at = wild.end()
    return made + re.escape(pattern[at:])


def _address(called: str, name: str) -> str:
    """Return the address of an object beside `called`, whose secrets it shares."""
    scheme = find_scheme(called)
    if scheme in AZURE:
        container, _, key = name.partition("/")
        host = urlsplit(called).netloc.rpartition("@")[2]
        return f"{scheme}://{container}@{host}/{key}" if "@" in urlsplit(called).netloc else f"{scheme}://{name}"
    whole = given.get(called)
    address = f"{scheme}://{name}"
    if whole is not None:
        secrets, at, _ = split_object(whole).netloc.rpartition("@")
        given[address] = f"{scheme}://{secrets}{at}{name}"
    return address


@contextmanager
def _telling(path: str, at: int) -> Iterator[None]:
    """Make CaptureError of whatever a library raises: one line, without the address that it may repeat."""
    try:
        yield
    except (CaptureError, UsageError):
        raise
    except Exception as error:  # libraries of clouds raise what they like
        raise CaptureError(path, at, _reason(error)) from error


def _reason(error: Exception) -> str:
    status = _status(error)
    said = str(error)
    if status is not None and status not in (401, 403, 404):
        return f"the server answered {status}."
    if status == 404 or (status is None and isinstance(error, FileNotFoundError)) or "NO_SUCH_BUCKET" in said:
        return "no such object, folder or bucket. Is the address right?"
    if isinstance(error, PermissionError) or status in (401, 403) or any(
        one in said for one in ("ACCESS_DENIED", "UNRECOGNIZED_CLIENT", "SIGNATURE_DOES_NOT_MATCH", "HTTP status 403",
                                "INVALID_ACCESS_KEY_ID", "[403]", "PERMISSION_DENIED", "AuthorizationFailure")
    ):
        return "no permission to read it. Are the credentials in the environment those of an account that may?"
    if isinstance(error, ConnectionResetError) or type(error).__name__ == "IncompleteRead":
        return "the connection was cut."
    return f"cannot be read ({_one_line(error)})."


def _status(error: BaseException | None) -> int | None:
    """Return what a web server answered, by the error or those behind it."""
    while error is not None:
        status = getattr(error, "code", None)
        if isinstance(status, int) and status >= 300:
            return status
        error = error.__cause__ or error.__context__
    return None


def _one_line(error: Exception) -> str:
    """Return what a library says, shortened, without addresses: these may hold secrets."""
    words = " ".join(describe_error(error).split()) or type(error).__name__
    words = " ".join("(address)" if "://" in word or "?" in word else word for word in words.split(" "))
    return words[:300].rstrip(".")


def _open_web(address: str) -> tuple[Readable, int | None]:
    """Open a page with the standard library: what came before a cut is given, which other clients keep for themselves.

    It comes as it is stored: what is compressed is recognised by its content, and hashed as it is.
    """
    from urllib.error import HTTPError  # noqa: PLC0415 - for addresses only
    from urllib.request import Request, urlopen  # noqa: PLC0415

    parts = urlsplit(address)
    secrets, at, host = parts.netloc.rpartition("@")
    request = Request(  # noqa: S310 - http and https
        urlunsplit((parts.scheme, host, quote(parts.path, safe="/%:@!$&'()*+,;=~"), parts.query, "")),
        headers={"User-Agent": f"aurora_wire/{VERSION}", "Accept-Encoding": "identity"},
    )
    if at:
        credentials = base64.b64encode(unquote(secrets).encode()).decode("ascii")
        request.add_unredirected_header("Authorization", f"Basic {credentials}")
    try:
        answer = urlopen(request, timeout=SILENT_SECONDS)  # noqa: S310
    except HTTPError as error:
        error.close()
        raise
    said = answer.headers.get("Content-Length", "")
    return _Page(answer), int(said) if said.isdecimal() else None


class _Page:
    """The content of a page; `read` gives what is there."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer

    def read(self, size: int = BLOCK, /) -> bytes:
        return self._answer.read1(size)

    def close(self) -> None:
        self._answer.close()


def _store(address: str) -> tuple[Any, str]:
    """Return the file system of an object, and its name there."""
    scheme = find_scheme(address)
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(MISSING.format(shown(address), scheme, "pyarrow"))
    parts = split_object(address)
    if scheme in S3:
        secrets, _, bucket = parts.netloc.rpartition("@")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
        return _s3(bucket, secrets, endpoint, region), f"{bucket}{parts.path}"
    from pyarrow import fs  # noqa: PLC0415 - for addresses only

    if scheme in GOOGLE:
        secrets, at, bucket = parts.netloc.rpartition("@")
        return _google(f"gs://{secrets}{at}{bucket}{_google_options()}"), f"{bucket}{parts.path}"
    store, name = fs.FileSystem.from_uri(address)
    return store, name


@lru_cache(maxsize=16)
def _s3(bucket: str, secrets: str, endpoint: str, region: str) -> Any:
    from pyarrow import fs  # noqa: PLC0415

    options: dict[str, object] = {
        "connect_timeout": CONNECT_SECONDS, "request_timeout": SILENT_SECONDS,
        "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=3),
    }  # fmt: skip
    if endpoint:
        parts = urlsplit(endpoint)
        options.update(scheme=parts.scheme or "https", endpoint_override=parts.netloc or endpoint)
    elif not region:
        region = fs.resolve_s3_region(bucket)
    if secrets:
        key, _, secret = secrets.partition(":")
        options.update(access_key=unquote(key), secret_key=unquote(secret))
    return fs.S3FileSystem(region=region or "us-east-1", **options)


def _google_options() -> str:
    """Return the query that names an emulator, as Google's own libraries take it from the environment."""
    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    if not emulator:
        return ""
    parts = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
    return f"?scheme={parts.scheme}&endpoint_override={parts.netloc}&retry_limit_seconds={CONNECT_SECONDS}"


@lru_cache(maxsize=16)
def _google(address: str) -> Any:
    from pyarrow import fs  # noqa: PLC0415

    return fs.FileSystem.from_uri(address)[0]
