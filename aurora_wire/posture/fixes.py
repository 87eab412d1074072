"""What to paste for what was found at a server: of its product and version, with the names of the accounts found.

Nothing of this is ever run: it is text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aurora_wire.posture.assess import PostureFinding
from aurora_wire.verdict.product import Product
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.verdict.server_fixes import AURORA, MARIADB, MYSQL, RDS, RDS_PROXY
from aurora_wire.verdict.servers import find_kind

ACCOUNT: Final = "'user'@'host'"  # in the texts, where an account's name belongs
ANONYMOUS: Final = "''@'host'"
MAX_ACCOUNTS: Final = 20          # for which a statement is made; the rest is counted


def kind_of_server(version: str, host: str, product: Product | None = None) -> str:
    """Return the kind of a server (`server_fixes.KINDS`). product: what `probe` told, whose names of Amazon's count."""
    kind = find_kind(version, host)
    if product is None or kind not in (MYSQL, MARIADB):
        return kind
    for name, where in (("Amazon RDS Proxy", RDS_PROXY), ("Amazon Aurora", AURORA), ("Amazon RDS", RDS)):
        if product.name.startswith(name):
            return where
    return kind


def collect_fixes(findings: Iterable[PostureFinding], kind: str) -> dict[str, list[str]]:
    """Return what to do about findings, without doubles: the text, and the rules that it is for.

    kind: of the server; a line that begins with two spaces is to be pasted.
    """
    found: dict[str, list[str]] = {}
    for hit in findings:
        rules = found.setdefault(find_fix(hit, kind), [])
        if hit.rule not in rules:
            rules.append(hit.rule)
    return found


def find_fix(hit: PostureFinding, kind: str) -> str:
    """Return what to do about one finding; statements about accounts once for each of them."""
    lines: list[str] = []
    for line in RULES[hit.rule].fix_for([kind]).split("\n"):
        place = ACCOUNT if ACCOUNT in line else ANONYMOUS if ANONYMOUS in line else ""
        if not place or not hit.items or not line.startswith("  "):
            lines.append(line)
            continue
        lines += [line.replace(place, account) for account in hit.items[:MAX_ACCOUNTS]]
        if len(hit.items) > MAX_ACCOUNTS:
            lines.append(f"and the same for {len(hit.items) - MAX_ACCOUNTS:,} more accounts.")
    return "\n".join(lines)
