"""Names of what MySQL's and MariaDB's servers say to each other, by their ports: only where nothing else names it."""

from __future__ import annotations

from typing import Final

# Defaults: of group_replication_local_address (as the manual has it), of Galera's gcomm, IST and SST.
SERVERS_AMONG_THEMSELVES: Final = {
    33061: "Group Replication", 4567: "Galera replication", 4568: "Galera incremental state transfer",
    4444: "Galera state snapshot transfer",
}  # fmt: skip


def named_by_port(name: str, port: int) -> str:
    """Return a protocol's name; where its content gave none, or only that it is TLS, with what its port is used for."""
    known = SERVERS_AMONG_THEMSELVES.get(port)
    if known is None:
        return name
    if name == "unknown":
        return f"{known} (by its port, {port})"
    return f"TLS of {known} (by its port, {port})" if name == "TLS" else name
