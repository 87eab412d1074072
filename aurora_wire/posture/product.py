"""Which product a server's greeting tells, where it was asked: see verdict/product.py."""

from __future__ import annotations

from aurora_wire.verdict.product import CANNOT_TELL, Product, derive_product, in_amazon
from aurora_wire.wire.mysql.greeting import Greeting

__all__ = ["CANNOT_TELL", "Product", "identify_product", "in_amazon"]


def identify_product(greeting: Greeting, host: str = "") -> Product:
    """Return the product behind a greeting. host: as the user named it."""
    version = greeting.server_version.decode("utf-8", "backslashreplace")
    return derive_product(version, host, is_mariadb=greeting.is_mariadb)
