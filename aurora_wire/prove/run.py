"""Runs the matrix: for each client and mode a fresh canary, the client, and what the capture shows of it."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from aurora_wire._version import VERSION
from aurora_wire.capture.live.bpf import port_filter
from aurora_wire.capture.live.ring import LiveCapture
from aurora_wire.capture.live.route import find_addresses, interface_to
from aurora_wire.decrypt.decryptor import MISSING, is_available
from aurora_wire.errors import AuroraWireError, CaptureError, UsageError
from aurora_wire.prove.canary import fresh
from aurora_wire.prove.capture_process import Watcher
from aurora_wire.prove.cell import Cell, Result, judge_cell, without_run
from aurora_wire.prove.drivers.driver import TIMEOUT, Ability, Client, ErrorKind, Failure, Found, Mode, Outcome, Task
from aurora_wire.prove.drivers.registry import load, ready
from aurora_wire.prove.keep import Keeper
from aurora_wire.prove.matrix import Matrix
from aurora_wire.prove.observation import Observation
from aurora_wire.prove.observers import LiveObserver, Observer, RelayObserver
from aurora_wire.rights.held_folder import HeldFolder
from aurora_wire.rights.inputs import read_input

RELAY_ADDRESS: Final = "127.0.0.1"
LOCAL_NAME: Final = "localhost"

Say = Callable[[str], None]
OnCell = Callable[[Cell], None]


@dataclass(slots=True)
class ProveOptions:
    """What is to be tried. clients: `NAME` or `NAME==VERSION`; ca: path of a bundle, empty for the client's own;
    interfaces: none for the one that leads to the host; keep: folder for captures, empty for
    none; folder: the same, where it is open already; if_installed: of the clients, those that are left out where they
    are not installed; socket: path of the server's Unix socket, empty where it is reached by TCP."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    clients: Sequence[str]
    modes: Sequence[Mode]
    ca: str = ""
    via_relay: bool = False
    interfaces: Sequence[str] = ()
    keep: str = ""
    keep_keys: bool = False
    timeout: float = TIMEOUT
    folder: HeldFolder | None = None
    if_installed: frozenset[str] = frozenset()
    socket: str = ""


def prove(wanted: ProveOptions, say: Say, on_cell: OnCell | None = None) -> Matrix:
    """Return the whole matrix. say: gets lines about what takes long; on_cell: each cell as it is done.

    Raises UsageError for what can be told before anything was started, and OutputError where there can be no folder
    for captures. Interrupted, it cleans up first: the client is ended, its table dropped, keys and processes are gone.
    """
    clients = {spec: load(spec) for spec in wanted.clients}  # a name that is not known is told at once
    if wanted.keep_keys and not is_available():
        raise UsageError(f"--keep-keys: {MISSING}")
    bundle = _bundle(wanted.ca)
    wanted = replace(wanted, ca=wanted.ca and str(Path(wanted.ca).absolute()))
    with ExitStack() as stack:
        keeper = None
        if wanted.keep:
            keeper = Keeper(wanted.keep, wanted.folder)
            stack.callback(keeper.close)
        watcher, reason = _watcher(wanted)
        stack.enter_context(watcher)
        if bundle and not os.access(wanted.ca, os.R_OK):  # it was root's to read: clients get a copy
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="aurora-wire-"))
            (Path(folder) / "ca.pem").write_bytes(bundle)
            wanted = replace(wanted, ca=f"{folder}/ca.pem")
        return _matrix(wanted, clients, watcher, reason, keeper, say, on_cell)


def _bundle(path: str) -> bytes:
    """Read while root, where root itself called, and by nobody else's rights than the caller's through sudo."""
    if not path:
        return b""
    try:
        return read_input(path)
    except OSError as error:
        said = "no such file" if isinstance(error, FileNotFoundError | IsADirectoryError) else error.strerror
        raise UsageError(f"{path}: {said}. --ca names the bundle (PEM) of the authorities to trust.") from error


def _matrix(
    wanted: ProveOptions, clients: dict[str, Client], watcher: Watcher, reason: str, keeper: Keeper | None, say: Say,
    on_cell: OnCell | None,
) -> Matrix:
    matrix = Matrix(
        wanted.host, wanted.port, wanted.user, wanted.database, watcher.how, list(clients), list(wanted.modes),
        how_reason=reason, folder=wanted.keep, socket=wanted.socket,
    )  # fmt: skip
    run = _Run(wanted, watcher, matrix, keeper)
    for spec, client in clients.items():
        cells = []
        for cell in run.run_cells(spec, client, say):
            cells.append(cell)
            if on_cell is not None and not (spec in wanted.if_installed and cell.result == Result.NOT_INSTALLED):
                on_cell(cell)
        if spec in wanted.if_installed and all(cell.result == Result.NOT_INSTALLED for cell in cells):
            matrix.clients.remove(spec)
            continue
        matrix.cells += sorted(cells, key=lambda one: wanted.modes.index(one.mode))
    if not matrix.clients:
        raise UsageError("no client is installed here. `aurora-wire clients` lists them, with how to get each.")
    if keeper is not None and keeper.failure is not None:
        matrix.not_kept = str(keeper.failure)
    return matrix


def _watcher(wanted: ProveOptions) -> tuple[Watcher, str]:
    """Return a live watcher if that is allowed and wanted, else a relay; and why not live."""
    reason = "asked for"
    if wanted.socket:
        socket, port = str(Path(wanted.socket).absolute()), wanted.port
        return (
            Watcher(lambda: RelayObserver(RELAY_ADDRESS, RELAY_ADDRESS, port, socket)),
            f"nothing that goes through a Unix socket crosses a network: {RELAY_ADDRESS}:{port} stands for it",
        )
    if not wanted.via_relay:
        try:
            capture = _capture(wanted)
        except CaptureError as error:  # NoPermission is the usual one
            reason = str(error)
        else:
            return Watcher(lambda: LiveObserver(capture, wanted.port), close_here=capture.close), ""

    def relay() -> Observer:
        return RelayObserver(RELAY_ADDRESS, wanted.host, wanted.port)

    return Watcher(relay), reason


def _capture(wanted: ProveOptions) -> LiveCapture:
    """Capture on the interfaces that lead to the host. A name without address is left to the client to complain about.
    """
    addresses: list[str] = []
    with suppress(UsageError):
        addresses = find_addresses(wanted.host)
    interfaces = list(wanted.interfaces) or list(dict.fromkeys(
        name for name in map(interface_to, addresses) if name is not None
    ))  # fmt: skip
    return LiveCapture(interfaces, port_filter([wanted.port], addresses))


class _Run:
    def __init__(self, wanted: ProveOptions, watcher: Watcher, matrix: Matrix, keeper: Keeper | None) -> None:
        self.wanted = wanted
        self.watcher = watcher
        self.matrix = matrix
        self.keeper = keeper
        self.control = ""  # what has shown that the capture is not blind
        self.refused = ""  # by whom the login was refused; in TLS: it was the name or the password that was wrong
        self.refused_in_tls = False
        self.logged_in = False  # once: name and password are right, and a refusal is about TLS

    def run_cells(self, spec: str, client: Client, say: Say) -> Iterator[Cell]:
        modes = self.wanted.modes
        try:
            found = (ready(spec, say) if client.version else client).find()
            reason = "" if found is not None else client.how_to_get
        except AuroraWireError as error:
            found, reason = None, str(error)
        except Exception as error:  # a plug-in is the code of others
            found, reason = None, f"its driver failed: {error!r}"
        if found is None:
            yield from (without_run(spec, mode, Result.NOT_INSTALLED, f"not installed: {reason}") for mode in modes)
            return
        # A wrong password is tried once: five tries lock an account. In the clear the same words may mean REQUIRE SSL.
        for mode in sorted(modes, key=lambda one: one != Mode.REQUIRED):
            yield self.cell(spec, client, found, mode)

    def cell(self, spec: str, client: Client, found: Found, mode: Mode) -> Cell:
        if mode not in found.asks:
            why = found.unavailable.get(mode) or "this client has no such mode"
            return without_run(spec, mode, Result.NOT_AVAILABLE, why, version=found.version)
        if self.refused_in_tls or (self.refused and mode == Mode.OFF):
            why = f"the login was refused already, in {self.refused}: trying it again may lock the account"
            return without_run(spec, mode, Result.NOT_TRIED, why, version=found.version)
        canary = fresh()
        with tempfile.TemporaryDirectory(prefix="aurora-wire-keys-") as folder:
            key_log = Path(folder) / "keys"
            writes_keys = mode != Mode.OFF and Ability.KEY_LOG in found.abilities and is_available()
            task = self.task(mode, canary, str(key_log) if writes_keys else "")
            if writes_keys:
                key_log.touch(mode=0o600)
            outcome, evidence, capture = self.watched(spec, client, task, key_log)
            keys_written = writes_keys and key_log.stat().st_size > 0
        cell = judge_cell(
            spec, outcome, evidence, canary, keys_written=keys_written, control_before=self.control
        )
        if mode != Mode.OFF and Ability.KEY_LOG in found.abilities and not is_available():
            cell.reasons.append(MISSING)
        self.logged_in = self.logged_in or outcome.connected
        if outcome.error is not None and outcome.error.kind == ErrorKind.ACCESS_DENIED and not self.logged_in:
            self.refused = f"{spec}, mode {mode}"
            self.refused_in_tls = self.refused_in_tls or cell.tls_cipher is not None
        if cell.in_clear and not self.control:
            self.control = f"the canary of {spec}, mode {mode}, was seen through the same capture"
        if self.keeper is not None and cell.spoke:
            self.keeper.keep(cell, self.matrix, capture)
        return cell

    def task(self, mode: Mode, canary: str, key_log: str) -> Task:
        wanted = self.wanted
        connect_to = None
        if self.watcher.connect_port:
            host = LOCAL_NAME if wanted.host == LOCAL_NAME else RELAY_ADDRESS
            connect_to = (host, self.watcher.connect_port)
        return Task(
            host=wanted.host, port=wanted.port, user=wanted.user, password=wanted.password,
            database=wanted.database, mode=mode, canary=canary, table=f"aurora_wire_{secrets.token_hex(6)}",
            ca=wanted.ca, key_log=key_log, connect_to=connect_to,
            timeout=wanted.timeout,
        )  # fmt: skip

    def watched(self, spec: str, client: Client, task: Task, key_log: Path) -> tuple[Outcome, Observation, bytes]:
        """Run the client, watched. A capture that has failed leaves evidence that says so, and nothing else."""
        watcher = self.watcher
        comment = f"aurora-wire prove {VERSION}: {spec}, mode {task.mode}, {watcher.how}." if self.keeper else ""
        failure: CaptureError | None = None
        try:
            watcher.begin()
        except CaptureError as error:
            failure = error
        outcome = run_client(client, task)
        keys = key_log.read_bytes() if task.key_log else b""
        if failure is None:
            try:
                evidence, capture = watcher.end(
                    task.canary, keys, password=task.password, comment=comment, keep_keys=self.wanted.keep_keys
                )
            except CaptureError as error:
                failure = error
            else:
                return outcome, evidence, capture
        return outcome, Observation(watcher.how, failure=str(failure)), b""


def run_client(client: Client, task: Task) -> Outcome:
    """Run the client. A driver that raises, against its contract, is a client that failed."""
    try:
        return client.run(task)
    except Exception as error:  # a plug-in is the code of others
        text = f"its driver failed: {error!r}"
        if task.password:
            text = text.replace(task.password, "***")
        return Outcome(client.name, task.mode, error=Failure(ErrorKind.CLIENT, text))
