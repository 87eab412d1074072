"""The table of features in docs/protocol.md is what its maker writes, and all of it is read."""

from __future__ import annotations

import re

import pytest

from tests import feature_table
from tests.feature_table import BEGIN, END, FEATURES, NAMES, PAGE, ZEEK, ZEEK_FILES, count, facts, ours


def on_page() -> str:
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]


@pytest.mark.parametrize("name", NAMES)
def test_all_that_a_client_was_given_is_in_the_report(name: str) -> None:
    wanted = facts(name)
    said = ours(name)
    assert [one for one in wanted if one not in said] == []
    row = next(line for line in on_page().splitlines() if f"`depth/{name}`" in line)
    assert f"| {len(wanted)} | {count(said, wanted)} |" in row


def test_zeek_is_read_for_every_feature_and_for_no_other() -> None:
    recorded = {name.rsplit("-", 1)[0] for name in NAMES}
    assert recorded == set(FEATURES) == set(ZEEK)
    for name in NAMES:
        row = next(line for line in on_page().splitlines() if f"`depth/{name}`" in line)
        assert f"| {ZEEK[name.rsplit('-', 1)[0]].says} |" in row


@pytest.mark.parametrize("feature", sorted(ZEEK))
def test_what_is_said_of_zeek_names_file_line_and_production(feature: str) -> None:
    assert ZEEK[feature].source
    for source in ZEEK[feature].source:
        found = re.fullmatch(r"(\w+):[1-9]\d* \w.*", source)
        assert found is not None, source
        assert found[1] in ZEEK_FILES


def test_the_page_has_what_its_maker_writes() -> None:
    version = re.search(r"tshark\s+(\d+\.\d+\.\d+)", on_page())
    assert version is not None
    if feature_table.tshark_version() != version[1]:
        pytest.skip(f"the page says what tshark {version[1]} reads")
    assert on_page() == feature_table.table()
