"""National ids of more countries, by python-stdnum (extra `ids`): those whose form alone says what they are.

The core asks only for a value of one of these lengths with its marks in their places (wire/mysql/leaked/national.py),
and only where a command has said so: results do not depend on what is installed where a bundle is verified.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from aurora_wire.wire.mysql.leaked.national import use_check

if TYPE_CHECKING:
    from collections.abc import Callable

# By length: Finland; Chile; Brazil; Belgium; Switzerland; China and Mexico.
MODULES: Final[dict[int, tuple[str, ...]]] = {
    11: ("stdnum.fi.hetu",), 12: ("stdnum.cl.rut",), 14: ("stdnum.br.cpf",), 15: ("stdnum.be.nn",),
    16: ("stdnum.ch.ssn",), 18: ("stdnum.cn.ric", "stdnum.mx.curp"),
}  # fmt: skip


def use_national_ids() -> bool:
    """Let the core ask python-stdnum; return whether it is installed."""
    there = find_spec("stdnum") is not None
    use_check(is_national_id if there else None)
    return there


def is_national_id(value: bytes) -> bool:
    """Return whether a value is a national id of one of the countries, by its check digits and dates."""
    text = value.decode("ascii", "replace")
    return any(_passes(check, text) for check in _checks(len(value)))


def _passes(check: Callable[[str], bool], text: str) -> bool:
    """Return whether a value passes a check; one that the library fails on is no id."""
    try:
        return check(text)
    except Exception:  # whatever digits of strangers do to a library: a county that its table lacks is a KeyError
        return False


@cache
def _checks(size: int) -> tuple[Callable[[str], bool], ...]:
    return tuple(import_module(name).is_valid for name in MODULES.get(size, ()))
