"""An audit as text: the answer first, then the article's table and who may come how."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.audit import Account, AuditResult, Setting
from aurora_wire.posture.fixes import kind_of_server
from aurora_wire.report.escape import show_text
from aurora_wire.report.text.grades import finding_lines, fix_lines, grade_text
from aurora_wire.report.text.table import table
from aurora_wire.report.wording import Style, count

SHOWN_ACCOUNTS = 50


def render(
    found: AuditResult, style: Style, *, everything: bool = False, fixes: bool = False
) -> Iterator[str]:
    """Yield the lines of an audit.

    everything: variables without a meaning here, and all accounts, too; fixes: what to paste for each finding, too.
    """
    yield f"{style.title(show_text(str(found.target)))}  {grade_text(found.grade, style)}\n"
    for line in _lines(found, style, everything):
        yield line.rstrip() + "\n"
    kind = kind_of_server(found.version, found.target.host)
    for line in fix_lines(found.findings, kind, style) if fixes else ():
        yield line + "\n"


def _lines(found: AuditResult, style: Style, everything: bool) -> Iterator[str]:
    version, cipher = found.session
    own = f"{show_text(version)}, {show_text(cipher)}" if version else "in the clear"
    yield f"  server {show_text(found.version)}, as {show_text(found.account)}; this session: {own}"
    if found.not_after is not None:
        yield f"  its certificate is valid until {found.not_after:%Y-%m-%d}"
    yield ""
    yield from finding_lines(found.findings, style)
    if not found.findings:
        yield "  Nothing that lets a client come in the clear was found."
    yield ""
    yield style.title("Settings")
    yield from _settings(found.settings, style, everything)
    yield ""
    yield style.title("Connected now")
    yield from _connected(found, style)
    yield ""
    yield style.title("Accounts")
    yield from _accounts(found, style, everything)
    if found.channels:
        yield ""
        yield style.title("Replication")
        says = {True: "TLS", False: "in the clear", None: "cannot tell"}
        rows = [(show_text(each.name), show_text(each.source), says[each.tls]) for each in found.channels]
        yield from table(("channel", "from", ""), rows, width=style.room)
    if found.denied:
        yield ""
        yield style.title("Not seen")
        for each in found.denied:
            yield f"  {each.what}. To let this account see it:"
            yield f"    {show_text(each.grant)}"


def _settings(settings: list[Setting], style: Style, everything: bool) -> Iterator[str]:
    shown = [each for each in settings if everything or each.meaning]
    rows = [(show_text(each.name), show_text(each.value) or "(empty)", each.meaning) for each in shown]
    yield from table(("variable", "value", "which means"), rows, width=style.room)
    hidden = len(settings) - len(shown)
    if hidden:
        yield f"  {count(hidden, 'other variable')}: --all shows them"


def _connected(found: AuditResult, style: Style) -> Iterator[str]:
    if found.connected is None:
        yield from style.wrap(f"cannot tell; {show_text(found.bound)}" if found.bound else "cannot tell", "  ")
        return
    rows = [
        (str(each.count), show_text(each.user), show_text(each.host), _kind(each.kind)) for each in found.connected
    ]  # fmt: skip
    yield from table(("sessions", "user", "from", "by"), rows, width=style.room, right=(0,))


def _kind(kind: str) -> str:
    return {"SSL/TLS": "TLS", "TCP/IP": "TCP, in the clear"}.get(kind, show_text(kind))


def _accounts(found: AuditResult, style: Style, everything: bool) -> Iterator[str]:
    if found.accounts is None:
        yield "  cannot tell"
        return
    wanted = accounts_by_weight(found.accounts)
    shown = wanted if everything else wanted[:SHOWN_ACCOUNTS]
    rows = []
    for each in shown:
        account = f"'{show_text(each.user)}'@'{show_text(each.host)}'"
        requires = show_text(account_requires(each))
        rows.append((account, show_text(each.plugin), requires, account_state(each, requires_tls=found.requires_tls)))
    yield from table(("account", "plugin", "requires", ""), rows, width=style.room)
    if found.account_count > len(shown):
        yield f"  {count(found.account_count - len(shown), 'more account')}: --all shows them"


def accounts_by_weight(accounts: list[Account]) -> list[Account]:
    """Return those first that may come in the clear."""
    return sorted(accounts, key=lambda each: (not each.may_come_in_the_clear, each.user, each.host))


def account_requires(each: Account) -> str:
    """Return what an account has to show, in words."""
    said = {"": "", "ANY": "TLS", "X509": "a certificate", "SPECIFIED": "a certificate, specified"}
    return said.get(each.requires, each.requires)


def account_state(each: Account, *, requires_tls: bool) -> str:
    """Return whether an account may come in the clear, in words. requires_tls: the server refuses that of everybody."""
    if each.locked:
        return "locked"
    if each.unused:
        return "not used: its host is a name"
    if each.own:
        return "the server's own"
    if each.is_local:
        return "from the server's own host alone"
    if each.may_come_in_the_clear:
        return "refused by require_secure_transport" if requires_tls else "may come in the clear"
    return ""
