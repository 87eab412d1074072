"""Which product answers: told by what real servers send, and "cannot tell" where that is the truth.

A version string can be set to anything (`mysql-server_version` of ProxySQL, `version` of MariaDB), so what is told is
what the server says of itself, with the reason; a name of Amazon's in the certificate or the host outweighs it.
Sources: greetings of the recordings in captures/; ProxySQL, MaxScale, TiDB, Vitess documentation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from aurora_wire.immutable import immutable
from aurora_wire.verdict.amazon import parse_endpoint

_BY_VERSION: Final = (
    (re.compile(r"mysql_aurora|aurora", re.I), "Amazon Aurora MySQL"),
    (re.compile(r"TiDB", re.I), "TiDB"),
    (re.compile(r"vitess", re.I), "Vitess"),
    (re.compile(r"maxscale", re.I), "MariaDB MaxScale"),
    (re.compile(r"proxysql", re.I), "ProxySQL"),
    (re.compile(r"singlestore|memsql", re.I), "SingleStore"),
    (re.compile(r"oceanbase", re.I), "OceanBase"),
    (re.compile(r"doris|starrocks", re.I), "Apache Doris or StarRocks"),
    (re.compile(r"MariaDB"), "MariaDB"),
    (re.compile(r"percona", re.I), "Percona Server"),
    # Percona Server counts its own releases behind MySQL's (8.0.36-28), and so does Debian (9.7.4-2).
    (re.compile(r"(5\.[67]|8\.\d|9\.\d)\.\d+-\d+(\.\d+)?(-log)?"), "MySQL or Percona Server"),
    (re.compile(r"(5\.[0-7]|8\.\d|9\.\d+)\.\d+(-(log|debug|community|commercial|enterprise|cloud|google|azure"
                r"|0ubuntu|\d*ubuntu|\d*debian)[\w.+~-]*)?"), "MySQL"),
)  # fmt: skip
CANNOT_TELL: Final = "cannot tell"


@immutable
class Product:
    """name: `MariaDB`, or CANNOT_TELL; why: what it was told from; region: of Amazon's, empty elsewhere."""

    name: str
    why: str
    region: str = ""


@lru_cache(maxsize=256)  # a capture has few servers, and asks for each connection
def derive_product(version: str, host: str = "", *, is_mariadb: bool = False) -> Product:
    """Return the product by its version. host: as a user, or a client in TLS, named it; is_mariadb: by its capability
    flags.
    """
    name, why = CANNOT_TELL, "the greeting names none" if version else "no greeting was captured"
    for pattern, product in _BY_VERSION:
        found = pattern.fullmatch(version) if product.startswith("MySQL") else pattern.search(version)
        if found is not None:
            name, why = product, f"the version {version}"
            break
    else:
        if is_mariadb:
            name, why = "MariaDB", "MariaDB's own capability flags"
    return in_amazon(Product(name, why), host)


def in_amazon(product: Product, host: str, issuer: str = "") -> Product:
    """Return the product as Amazon's names tell it: where it runs; which engine it is the greeting says.

    issuer: the common name of who signed its certificate, empty: not known.
    """
    if product.region:
        return product
    name, why = product.name, product.why
    endpoint = parse_endpoint(host)
    if endpoint is not None:
        region = endpoint.region
        if endpoint.is_proxy:
            return Product("Amazon RDS Proxy", "the name of its endpoint", region)
        if endpoint.is_cluster:
            return Product("Amazon Aurora MySQL", "the name of its cluster endpoint", region)
        if name == "Amazon Aurora MySQL":
            return Product(name, why, region)
        engine = f" for {name}" if name.startswith("M") else ""
        return Product(f"Amazon RDS or Aurora instance{engine}", "the name of its endpoint", region)
    signed = re.fullmatch(r"Amazon RDS (?P<region>\S+) .*", issuer)
    if signed is not None:
        engine = f" for {name}" if name.startswith("M") else ""
        return Product(f"Amazon RDS or Aurora{engine}", f"its certificate is signed by {issuer!r}", signed["region"])
    return product
