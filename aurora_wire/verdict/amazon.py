"""Names of Amazon's endpoints, which say what answers there. Source: "Connecting to an Amazon Aurora DB cluster"."""

from __future__ import annotations

import re
from typing import Final

from aurora_wire.immutable import immutable

DOMAIN: Final = ".rds.amazonaws.com"
_ENDPOINT: Final = re.compile(
    r"(?P<name>[\w-]+)\.(?P<kind>cluster-ro-|cluster-custom-|cluster-|proxy-|)[a-z0-9]+\."
    r"(?P<region>[a-z]{2}(-[a-z]+)+-\d)\.rds\.amazonaws\.com(\.cn)?\.?"
)


@immutable
class Endpoint:
    """name: what its owner called it; of a cluster (Aurora), of a proxy, or else of an instance."""

    name: str
    region: str
    is_cluster: bool
    is_proxy: bool


def parse_endpoint(host: str) -> Endpoint | None:
    """Return what a host's name says, if it is one of Amazon's."""
    found = _ENDPOINT.fullmatch(host.lower())
    if found is None:
        return None
    return Endpoint(found["name"], found["region"], found["kind"].startswith("cluster-"), found["kind"] == "proxy-")
