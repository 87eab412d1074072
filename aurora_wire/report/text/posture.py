"""What servers allow, as text: one block for each address."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.posture.assess import Assessment
from aurora_wire.posture.client_hello import GROUPS, TLS13
from aurora_wire.posture.fixes import kind_of_server
from aurora_wire.posture.probe import PROBED, AddressResult, ProbeResult
from aurora_wire.posture.survey import NOT_ASKED, OFFERED, TLSResult
from aurora_wire.posture.target import ADMIN_PORT
from aurora_wire.report.escape import show_text
from aurora_wire.report.text.grades import finding_lines, fix_lines, grade_text
from aurora_wire.report.wording import Style
from aurora_wire.verdict.certificates import CertificateFacts
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suite_strength import suite_name

_INDENT = "  "
_LABEL = 14  # characters


def render(
    result: ProbeResult, assessments: list[Assessment], style: Style, *, fixes: bool = False
) -> Iterator[str]:
    """Yield the lines of one target, each with its line break. assessments: one for each address.

    fixes: what to paste for each finding, too.
    """
    if not result.addresses:
        yield f"{style.title(show_text(str(result.target)))}  not probed: {show_text(result.reason)}\n"
    for number, (each, assessment) in enumerate(zip(result.addresses, assessments, strict=True)):
        if number:
            yield "\n"
        for line in _address(result, each, assessment, style):
            yield line.rstrip() + "\n"
        kind = kind_of_server(each.version, result.target.host, each.product)
        for line in fix_lines(assessment.findings, kind, style) if fixes else ():
            yield line + "\n"


def _address(result: ProbeResult, each: AddressResult, assessment: Assessment, style: Style) -> Iterator[str]:
    name = style.title(show_text(str(result.target)))
    at = "" if each.address == result.target.host else f" ({each.address})"
    if each.status != PROBED:
        yield f"{name}{at}  not probed: {show_text(each.reason)}"
        return
    yield f"{name}{at}  {grade_text(assessment.grade, style)}"
    where = "; the administrative port, by its number" if result.target.port == ADMIN_PORT else ""
    yield from _row("server", _server(each) + where, style)
    if each.auth_plugin:
        yield from _row("login by", show_text(each.auth_plugin), style)
    if each.x is not None:
        listed = ", ".join(map(show_text, each.x.mechanisms)) or "nothing"
        yield from _row("login by", f"{listed} (before TLS)", style)
        if each.x.compression:
            yield from _row("compression", ", ".join(map(show_text, each.x.compression)), style)
    yield from _row("TLS", _offer(each), style)
    if each.tls is not None:
        yield from _tls(each.tls, style)
    yield from _chain(each, result, style)
    if each.trusted is not None:
        yield from _row("trust", "accepted" if not each.trusted else f"not accepted: {show_text(each.trusted)}", style)
    yield from finding_lines(assessment.findings, style)
    yield from _row("asked by", _cost(each), style)


def _row(label: str, text: str, style: Style) -> Iterator[str]:
    """Yield a label and its text, which goes on below itself."""
    for number, line in enumerate(style.wrap(text, _INDENT + " " * _LABEL)):
        yield line if number else _INDENT + label.ljust(_LABEL) + line[len(_INDENT) + _LABEL :]


def _server(each: AddressResult) -> str:
    if each.protocol == "mysqlx":
        return f"X Protocol (node type {show_text(each.x.node)})" if each.x and each.x.node else "X Protocol"
    if each.protocol == "tls":
        return "TLS from the first byte: what is inside was not looked at"
    product = each.product
    told = f"{product.name} (by {show_text(product.why)})" if product is not None else ""
    return f"{show_text(each.version)}: {told}"


def _cost(each: AddressResult) -> str:
    """Say what the questions cost the user's host. Tried: MariaDB counts them, and blocks nobody for them."""
    said = f"{each.connections} connections"
    if each.protocol == "mysql" and each.product is not None and each.product.name != "MariaDB":
        said += (
            "; MySQL counts each as a failed one of this host, which it blocks after 100 in a row "
            "(max_connect_errors); a login that succeeds ends the row"
        )
    return said


def _offer(each: AddressResult) -> str:
    if each.stripped:
        return "offer removed on the way"
    return {True: "offered", False: "not offered", None: "cannot tell"}[each.offers_tls]


def _tls(tls: TLSResult, style: Style) -> Iterator[str]:
    for each in tls.versions:
        text = each.status
        if each.status == OFFERED:
            order = {True: "the server's order", False: "the client's order", None: ""}[each.own_order]
            parts = [part for part in (order, "" if each.complete else "there may be more") if part]
            listed = ", ".join(map(suite_name, each.suites))
            text = listed + (f" ({'; '.join(parts)})" if parts else "")
        elif each.status == NOT_ASKED:
            text = "not asked: the bound on connections was reached"
        yield from _row(version_name(each.version), text, style)
    if tls.groups:
        listed = ", ".join(GROUPS[group] for group in tls.groups)
        version = "" if tls.version(TLS13).status == OFFERED else " (TLS 1.2)"
        yield from _row("groups", listed + version + ("" if tls.groups_complete else "; there may be more"), style)


def _chain(each: AddressResult, result: ProbeResult, style: Style) -> Iterator[str]:
    for number, facts in enumerate(each.chain):
        yield from _row("certificate" if not number else "signed by", _certificate(facts, result), style)


def _certificate(facts: CertificateFacts, result: ProbeResult) -> str:
    days = facts.days_left(result.time)
    left = f"{days:,} days left" if days >= 0 else f"expired {-days:,} days ago"
    parts = [
        show_text(facts.amazon or facts.subject),
        f"names {', '.join(map(show_text, facts.names))}" if facts.names else "",
        f"{facts.key} {facts.key_bits}" if facts.key == "RSA" else facts.key,
        facts.signature,
        f"until {facts.not_after:%Y-%m-%d} ({left})",
        f"SHA-256 {facts.fingerprint}",
        f"OCSP {', '.join(map(show_text, facts.ocsp))}" if facts.ocsp else "",
        f"CRL {', '.join(map(show_text, facts.crl))}" if facts.crl else "",
        facts.own,
    ]
    return "; ".join(part for part in parts if part)
