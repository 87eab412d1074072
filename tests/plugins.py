"""Packages of others, as if they were installed: modules of a folder, and the entry points that name them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.running import ENVIRONMENT


def registered(folder: Path, group: str, points: str, modules: Path) -> dict[str, str]:
    """Return the environment of a process in which `modules` is importable, and has these entry points in `group`.

    folder: an empty one, for the metadata.
    """
    metadata = folder / "plugin_for_tests-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-for-tests\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{points}\n")
    return {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join([ENVIRONMENT["PYTHONPATH"], str(folder), str(modules)])}
