"""`--port N` narrows, `--port +N` adds."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from aurora_wire.cli.ports import collect_ports, port_option


@pytest.mark.parametrize(
    ("options", "ports", "only"),
    [
        ([], (3306, 33060), False),
        (["3307"], (3307,), True),
        (["+3307"], (3306, 33060, 3307), False),
        (["3307", "3308"], (3307, 3308), True),
        (["3307,3308"], (3307, 3308), True),
        (["+3307,3306"], (3306, 33060, 3307), False),
        (["3307", "+3308"], (3307, 3308), True),
        (["65535"], (65535,), True),
    ],
)
def test_ports_are_added_or_replaced(options: list[str], ports: tuple[int, ...], only: bool) -> None:
    assert collect_ports(port_option(option) for option in options) == (ports, only)


@pytest.mark.parametrize(
    "text", ["", "+", "0", "65536", "-1", "3306,", "++1", "mysql", "1_0", "\u0663", "9" * 5_000]
)
def test_what_is_no_port_is_told(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not a port"):
        port_option(text)
