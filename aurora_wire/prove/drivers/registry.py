"""Which client drivers there are: those of the package, and those that others registered.

Others name theirs in the entry point group `aurora_wire.clients`: name of the client = module:class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from aurora_wire.errors import UsageError, named
from aurora_wire.prove.drivers.driver import Client

GROUP: Final = "aurora_wire.clients"
DEFAULT_CLIENT: Final = "pymysql"

OWN: Final = {
    "pymysql": "aurora_wire.prove.drivers.clients.pymysql:PyMySQL",
    "mysql": "aurora_wire.prove.drivers.clients.mysql:MySQLCommandLine",
    "mariadb": "aurora_wire.prove.drivers.clients.mariadb:MariaDBCommandLine",
    "connector-j": "aurora_wire.prove.drivers.clients.connector_j:ConnectorJ",
    "connector-j-aurora": "aurora_wire.prove.drivers.clients.connector_j:ConnectorJAurora",
    "django": "aurora_wire.prove.drivers.clients.django:Django",
    "connector-python": "aurora_wire.prove.drivers.clients.connector_python:ConnectorPython",
    "connector-python-pure": "aurora_wire.prove.drivers.clients.connector_python:ConnectorPythonPure",
    "mysql2": "aurora_wire.prove.drivers.clients.mysql2:MySQL2",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A registered driver that could not be loaded, and why: one of them does not keep the others away."""

    name: str
    reason: str


def names() -> list[str]:
    """Return all names that can be asked for, those of the package first."""
    return [*OWN, *sorted(name for name in _others() if name not in OWN)]


def load(spec: str) -> Client:
    """Return the driver of `NAME` or `NAME==VERSION`. Raises UsageError for a name that is not known."""
    name, _, version = spec.partition("==")
    where = OWN.get(name) or _others().get(name)
    if where is None:
        raise UsageError(named(f"{name}: no client has this name. There are {', '.join(names())}", name, names()))
    try:
        module, _, attribute = where.partition(":")
        kind = getattr(import_module(module), attribute)
    except Exception as error:  # a plug-in is the code of others
        raise UsageError(f"{name}: its driver {where} cannot be loaded: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Client)):
        raise UsageError(f"{name}: its driver {where} is no subclass of aurora_wire.prove.drivers.driver.Client.")
    return kind(version)


def load_all() -> tuple[list[Client], list[Broken]]:
    """Return every driver, and those that could not be loaded."""
    clients, broken = [], []
    for name in names():
        try:
            clients.append(load(name))
        except UsageError as error:
            broken.append(Broken(name, str(error).removeprefix(f"{name}: ")))
    return clients, broken


def ready(spec: str, say: Callable[[str], None]) -> Client:
    """Return the driver, its client installed: into an environment of its own, where it is not there and that can be.

    `say` is told what is installed. Raises UsageError where it is not to be had.
    """
    client = load(spec)
    if client.find() is None:
        client.install(say)
        if client.find() is None:
            raise UsageError(f"{client.spec} was installed and is not found: {client.how_to_get}")
    return client


def _others() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
