"""Pseudonyms of addresses: those of the paper's own program, and what they keep."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora_wire.redact.pseudonyms import Pseudonyms

# Key and pairs of the sample trace that comes with Crypto-PAn 1.0.
KEY = bytes([21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
             216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2])  # fmt: skip
PAIRS = (
    ("128.11.68.132", "135.242.180.132"), ("129.118.74.4", "134.136.186.123"), ("130.132.252.244", "133.68.164.234"),
    ("141.223.7.43", "141.167.8.160"), ("141.233.145.108", "141.129.237.235"), ("152.163.225.39", "151.140.114.167"),
)  # fmt: skip


@pytest.mark.parametrize(("address", "pseudonym"), PAIRS)
def test_addresses_become_what_the_first_program_made_of_them(address: str, pseudonym: str) -> None:
    assert str(ip_address(Pseudonyms(KEY).ip(ip_address(address).packed))) == pseudonym


def common(one: bytes, other: bytes) -> int:
    """Bits that are the same from the beginning."""
    return 8 * len(one) - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([4, 16]).flatmap(lambda size: st.tuples(*[st.binary(min_size=size, max_size=size)] * 2)))
def test_networks_stay_networks(pair: tuple[bytes, bytes]) -> None:
    pseudonyms = Pseudonyms(bytes(range(32)))
    assert common(*map(pseudonyms.ip, pair)) == common(*pair)


def test_ethernet_addresses_stay_groups_or_hosts() -> None:
    pseudonyms = Pseudonyms(bytes(range(32)))
    assert pseudonyms.ethernet(b"\xff" * 6) == b"\xff" * 6
    host = pseudonyms.ethernet(bytes.fromhex("001122334455"))
    assert (len(host), host[0] & 3) == (6, 2)
    assert host != pseudonyms.ethernet(bytes.fromhex("001122334456"))
