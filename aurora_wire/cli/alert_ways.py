"""How an alert leaves: a command that reads it, or an address that it is posted to. Each is bounded in time.

Both are called in a thread of their own, after root's rights are given up. They return what went wrong, in a few words,
or None. An address may hold a secret, so that messages name its host only.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from aurora_wire.errors import UsageError, describe_error

SECONDS: Final = 10.0           # for one alert
LONGEST_STATUS: Final = 4096    # bytes of an answer that are looked at
SCHEMES: Final = {"http": 80, "https": 443}
Way = Callable[[bytes], str | None]


def way_to(target: str, environment: Mapping[str, str], seconds: float = SECONDS) -> Way:
    """Return what delivers an alert. Raises UsageError where the target can be none."""
    if target.partition("://")[0].lower() in SCHEMES:
        return _way_by_url(target, seconds)
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise UsageError(f"--alert: {target!r}: {error}.") from error
    if not words:
        raise UsageError("--alert needs a command, or an address that begins with http:// or https://.")
    return lambda body: run(words, body, environment, seconds)


def run(words: list[str], body: bytes, environment: Mapping[str, str], seconds: float) -> str | None:
    """Start a command with the alert as its standard input; it and what it started end with the time that it has."""
    try:
        process = subprocess.Popen(  # noqa: S603 - what the user named
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(environment), start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return f"{words[0]}: {describe_error(error)}"
    try:
        process.communicate(body, timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        process.wait()
        return f"{words[0]}: took more than {seconds:g} s, and was ended"
    if process.returncode < 0:
        return f"{words[0]}: ended by {signal.Signals(-process.returncode).name}"
    return None if process.returncode == 0 else f"{words[0]}: ended with {process.returncode}"


def _way_by_url(target: str, seconds: float) -> Way:
    try:
        parts = urlsplit(target)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"--alert: no address: {error}.") from error
    if not host or any(ord(sign) <= 32 or ord(sign) == 127 for sign in target):
        raise UsageError("--alert: the address has no host, or a blank in it.")
    context = ssl.create_default_context() if parts.scheme == "https" else None  # reads its authorities now
    place = (host, port or SCHEMES[parts.scheme])
    return lambda body: post(parts, place, body, context, seconds)


def post(
    parts: SplitResult, place: tuple[str, int], body: bytes, context: ssl.SSLContext | None, seconds: float
) -> str | None:
    """Post an alert. An answer of 2xx is taken; a redirect is not followed."""
    end = time.monotonic() + seconds
    try:
        with socket.create_connection(place, timeout=seconds) as plain:
            plain.settimeout(max(end - time.monotonic(), 0.001))
            if context is None:
                return _exchange(plain, parts, body, end)
            with context.wrap_socket(plain, server_hostname=place[0]) as secure:
                return _exchange(secure, parts, body, end)
    except TimeoutError:
        return f"{place[0]}: did not answer within {seconds:g} s"
    except (OSError, ValueError) as error:  # ValueError: a name that no resolver takes
        return f"{place[0]}: {describe_error(error)}"


def _exchange(channel: socket.socket, parts: SplitResult, body: bytes, end: float) -> str | None:
    host = parts.netloc.rpartition("@")[2]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {path} HTTP/1.1", f"Host: {host}", "User-Agent: aurora-wire", "Content-Type: application/json",
        f"Content-Length: {len(body)}", "Connection: close",
    ]  # fmt: skip
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Authorization: Basic {b64encode(login.encode()).decode()}")
    channel.sendall("\r\n".join([*lines, "", ""]).encode("utf-8") + body)
    answer = b""
    while b"\r\n" not in answer and len(answer) < LONGEST_STATUS:
        channel.settimeout(max(end - time.monotonic(), 0.001))  # for all of the answer, not for each piece
        piece = channel.recv(LONGEST_STATUS)
        if not piece:
            break
        answer += piece
    words = answer.split(b"\r\n")[0].split(b" ")
    if not answer.startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        return f"{parts.hostname}: answered what is no HTTP"
    return None if words[1].startswith(b"2") else f"{parts.hostname}: answered {words[1].decode()}"
