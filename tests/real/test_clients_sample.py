"""The sample of docs/clients.md is a driver that works, as it stands there."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from aurora_wire.prove.drivers.driver import ErrorKind, Mode
from aurora_wire.prove.drivers.registry import load, names
from tests.real.servers import ROOT, Account, Server
from tests.real.tasks import task_for


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's package, installed."""
    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    project, driver, program = re.findall(r"^```(?:toml|python)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "shop_client.py").write_text(driver)
    (tmp_path / "shop_batch.py").write_text(program)
    points = tomllib.loads(project)["project"]["entry-points"]["aurora_wire.clients"]
    metadata = tmp_path / "shop_batch-2.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-batch\nVersion: 2.1\n")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (metadata / "entry_points.txt").write_text(f"[aurora_wire.clients]\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_client", raising=False)


@pytest.mark.usefixtures("sample")
def test_the_sample_plays_the_story(mariadb: Server) -> None:
    assert "shop-batch" in names()
    client = load("shop-batch")
    for mode in (Mode.DEFAULT, Mode.VERIFY_IDENTITY):
        task = task_for(mariadb, mode)
        outcome = client.run(task)
        assert outcome.error is None
        assert outcome.rows == (task.text_canary, task.prepared_canary)
        assert outcome.tls_version == "TLSv1.3"
        assert outcome.connection_id
    assert mariadb.tables() == []


@pytest.mark.usefixtures("sample")
def test_the_sample_says_what_it_cannot_do_and_what_went_wrong(mariadb: Server) -> None:
    client = load("shop-batch")
    for task, kind in (
        (task_for(mariadb, Mode.OFF), ErrorKind.MODE_NOT_AVAILABLE),
        (task_for(mariadb, Mode.DEFAULT, account=Account("app", "wrong")), ErrorKind.ACCESS_DENIED),
    ):
        error = client.run(task).error
        assert error is not None
        assert error.kind == kind


def test_the_table_of_the_docs_names_all_clients() -> None:
    from aurora_wire.prove.drivers.registry import OWN

    text = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    for name in OWN:
        if name.startswith("fix-"):
            continue  # of the tests of what `fix` prints (fix_clients.py)
        assert f"`{name}`" in text
