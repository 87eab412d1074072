"""A fleet as text."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.fleet import Fleet, Member
from aurora_wire.report.escape import show_text
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import GREEN, RED, YELLOW, Style


def render_text(fleet: Fleet, style: Style) -> Iterator[str]:
    """Yield lines, the answer first."""
    yield _answer(fleet, style) + "\n"
    if fleet.members:
        yield "\n"
        header = ("server", "region", "engine", "TLS required", "versions", "CA", "until", "IAM", "public")
        rows = [_row(each) for each in fleet.members]
        for line in table(header, rows, width=style.room, leave=(8, 7, 6)):
            yield line + "\n"
    if fleet.gaps:
        yield "\nNot seen\n"
        for gap in fleet.gaps:
            where = f"{show_text(gap.region)}: " if gap.region else ""
            lacks = f"the policy lacks {gap.action}" if gap.action else show_text(gap.reason)
            for line in style.wrap(f"{where}{show_text(gap.what)}: {lacks}", "  "):
                yield line + "\n"


def _answer(fleet: Fleet, style: Style) -> str:
    clear = [each for each in fleet.members if each.requires_tls is False]
    unknown = [each for each in fleet.members if each.requires_tls is None]
    if not fleet.members:
        return style.paint("No server of MySQL or MariaDB was found.", YELLOW)
    verb = "takes" if len(clear) == 1 else "take"
    text = f"Of {len(fleet.members)} clusters, instances and proxies {len(clear)} {verb} connections in the clear"
    if unknown:
        text += f"; {len(unknown)} cannot be told"
    return style.paint(text + ".", RED if clear else YELLOW if unknown else GREEN)


def _row(each: Member) -> tuple[str, ...]:
    name = show_text(each.name)
    if each.cluster:
        name = f"  {name} ({each.role})"
    if each.requires_tls is None:
        required = "cannot tell"
    else:
        required = ("yes" if each.requires_tls else "NO") + (" (default)" if each.from_default else "")
    if each.pending:
        required += ", a change waits for a restart"
    engine = " ".join(filter(None, (show_text(each.engine), show_text(each.version))))
    until = f"{each.ca_expires:%Y-%m-%d}" if each.ca_expires is not None else ""
    return (
        name, show_text(each.region), engine, required, show_text(each.tls_versions), show_text(each.ca), until,
        _yes(each.iam), _yes(each.public),
    )  # fmt: skip


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[value]
