"""What the reports of `prove` that are made to be passed on share: names masked, and the answer by the exit code."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aurora_wire.prove.cell import Cell
from aurora_wire.prove.matrix import Matrix

# By exit code.
HEADLINES: Final = {
    0: "Every client did as its mode promises",
    1: "Something crossed in the clear in a mode that promises TLS",
    3: "Not all of it came out as the modes promise, or could be tried",
}


def without_user(matrix: Matrix) -> Matrix:
    """Return a copy to be handed on: the name of the user is masked, also in what servers and clients said."""
    if not matrix.user:
        return matrix
    stars = "*" * len(matrix.user)

    def hide(text: str) -> str:
        return text.replace(f"'{matrix.user}'", f"'{stars}'").replace(f'"{matrix.user}"', f'"{stars}"')

    def hidden(cell: Cell) -> Cell:
        return replace(cell, error=hide(cell.error), reasons=[hide(reason) for reason in cell.reasons])

    return replace(matrix, user=stars, cells=[hidden(cell) for cell in matrix.cells])
