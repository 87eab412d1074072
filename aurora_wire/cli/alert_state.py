"""What was alerted about, kept over restarts: a JSON file that is there whole or not at all."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Final, NamedTuple

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import OutputError, UsageError
from aurora_wire.rights.held_folder import HeldFolder, hold
from aurora_wire.rights.inputs import input_file
from aurora_wire.rights.new_files import WholeFile

SCHEMA: Final = "aurora-wire/watch-state/1"
KIND: Final = SCHEMA.rpartition("/")[0]
MOST: Final = 100_000           # pairs that are remembered; the oldest are forgotten, and would be told again
NO_STATE: Final = f"{{}}: no state of `aurora-wire watch` ({SCHEMA}). Give another name, or remove it."
LARGEST: Final = 64 << 20       # bytes of the file


class Leak(NamedTuple):
    """A client, user and server whose sessions are in the clear: there is one alert for each."""

    client: str     # address, without its port
    user: str
    server: str     # address
    port: int


class AlertState:
    """Which leaks were told, and when first (UTC). Without a path it lasts as long as the process."""

    def __init__(self, path: str | None) -> None:
        """Read the file, where there is one. Raises UsageError. To be called while root's rights are still there."""
        self.told: dict[Leak, str] = {}
        self.changed = False
        self._path = path
        self._folder: HeldFolder | None = None
        if path is None:
            return
        self.told = _read(path)
        try:
            self._folder, self._name = hold(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
        name = re.escape(self._name)
        self._folder.pattern = rf"{name}|\.{name[:80]}.*\.[0-9a-f]+\.part"
        self.changed = True  # written at once: what cannot be written is known before anything is captured

    def add(self, leak: Leak, when: str) -> None:
        self.told[leak] = when
        while len(self.told) > MOST:
            del self.told[next(iter(self.told))]
        self.changed = True

    def save(self) -> None:
        """Write the file, if there is news. Raises OutputError; the file that was there stays then."""
        if self._folder is None or not self.changed:
            return
        listed = [{**leak._asdict(), "told": when} for leak, when in self.told.items()]
        whole: WholeFile | None = None
        try:
            whole = WholeFile(self._name, self._folder)
            with os.fdopen(os.dup(whole.handle), "w", encoding="utf-8") as file:
                json.dump({"schema": SCHEMA, "leaks": listed}, file, indent=1)
            whole.keep()
            os.close(whole.handle)
        except (OSError, ValueError) as error:
            if whole is not None:
                whole.discard()
                os.close(whole.handle)
            why = describe_disk_error(error, self._path)
            raise OutputError(f"{self._path}: {why}. What was alerted is not kept.") from error
        self.changed = False

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()


def _read(path: str) -> dict[Leak, str]:
    try:
        with input_file(path) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
    try:
        said: Any = json.loads(data) if len(data) <= LARGEST else {}
        schema = str(said["schema"])
        leaks = {
            Leak(str(one["client"]), str(one["user"]), str(one["server"]), int(one["port"])): str(one["told"])
            for one in (said["leaks"] if schema == SCHEMA else ())
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(NO_STATE.format(path)) from error
    if schema != SCHEMA:
        if schema.startswith(f"{KIND}/"):
            raise UsageError(f"{path}: it is of another version, {schema}; this program reads and writes {SCHEMA}.")
        raise UsageError(NO_STATE.format(path))
    return dict(list(leaks.items())[-MOST:])
