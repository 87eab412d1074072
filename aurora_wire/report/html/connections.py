"""What the HTML report says of one connection: its row in the table, and its details."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from aurora_wire.redact.sql import redact_attributes, redact_sql, redact_statement
from aurora_wire.report.frame_names import FrameNames
from aurora_wire.report.html.frames import Step, Steps, steps_of_scan
from aurora_wire.report.html.limits import REASONS_EACH
from aurora_wire.report.html.svg_bytes import Part, both, draw_bytes, sum_bytes
from aurora_wire.report.html.svg_timeline import Timeline, draw_timeline
from aurora_wire.report.html.text import SIGNS, after, clip, judged, moment, sql_text, statement_notes, tone
from aurora_wire.report.proxied import summarise_proxy
from aurora_wire.report.replicated import list_lines
from aurora_wire.report.text.credentials import GRADES
from aurora_wire.report.text.credentials import notes as credential_notes
from aurora_wire.report.timestamps import Clock
from aurora_wire.report.tls_details import details_in_words
from aurora_wire.report.wording import LEAKS, count, counted, endpoint, place
from aurora_wire.verdict.result import ConnectionResult, CredentialResult, StatementResult

STEP_ROWS: Final = 60
CREDENTIALS_EACH: Final = 60
WHO: Final = {True: "client", False: "server", None: "both"}
CARRIES: Final = {"clear": "readable", "safe": "inside TLS", "handshake": "TLS handshake",
                  "open": "in the clear by design", "unsure": "unknown"}


PROVEN: Final = (
    "The greeting, the request for TLS and the whole handshake were captured, and so was every byte after them, in "
    "well-formed records that do not read."
)


@dataclass(slots=True, frozen=True)
class Row:
    id: int
    verdict: str
    tone: str
    sign: str
    judged: str
    client: str
    server: str
    user: str
    tls: str
    clear: str
    encrypted: str
    statements: str
    missing: str
    has_details: bool


@dataclass(slots=True, frozen=True)
class StatementRow:
    frame: str
    time: str
    command: str
    sql: str
    parameters: str
    notes: str


@dataclass(slots=True, frozen=True)
class StepRow:
    frames: str
    after: str
    who: str
    names: str
    carries: str
    tone: str
    bytes: str


@dataclass(slots=True, frozen=True)
class Details:
    row: Row
    facts: list[tuple[str, str]]
    reasons: list[str]
    proof: str          # why it is proven, where no reason says so
    more_reasons: int
    timeline: Timeline | None
    steps: list[StepRow]
    more_steps: int
    statements: list[StatementRow]
    more_statements: int
    inside: list[StatementRow]
    more_inside: int
    inside_facts: list[tuple[str, str]]
    credentials: list[tuple[str, str]]   # where, and what it gives to who read it
    bytes: list[Part]
    unfolded: bool         # from the start


def hide(connection: ConnectionResult) -> ConnectionResult:
    """Return a copy with the user masked, the application's own attributes, what a server's ERR quotes, and files.

    Statements are masked when shown.
    """
    tls = connection.tls
    if tls is not None and tls.decrypted is not None:
        tls = replace(tls, decrypted=replace(tls.decrypted, user=stars(tls.decrypted.user)))
    if tls is not None and tls.client_certificates:
        tls = replace(tls, client_certificates=[])  # it says who the client is
    replica = connection.replication
    if replica is not None:
        replica = replace(replica, host=stars(replica.host), user=stars(replica.user))
    refusal = connection.refusal
    if refusal is not None:
        quoted = redact_sql(refusal.text.encode("utf-8", "surrogatepass"))
        refusal = replace(refusal, text=quoted.decode("utf-8", "replace"))
    return replace(
        connection,
        user=stars(connection.user),
        users_after=["*" * len(user) for user in connection.users_after],
        replication=replica,
        attributes=redact_attributes(connection),
        tls=tls,
        refusal=refusal,
        files=[replace(one, path="*" * len(one.path)) for one in connection.files],
    )


def stars(name: str | None) -> str | None:
    """Return as many stars as a name has characters."""
    return None if name is None else "*" * len(name)


def build_row(c: ConnectionResult, *, has_details: bool) -> Row:
    clear, tls, _, _, missing = sum_bytes(both([c]))
    return Row(
        id=c.id,
        verdict=c.verdict,
        tone=tone(c.verdict, c.confidence),
        sign=SIGNS[c.verdict],
        judged=judged(c.verdict, c.confidence),
        client=clip(endpoint(c.client)),
        server=clip(endpoint(c.server)),
        user="" if c.user is None else clip(c.user) or "''",
        tls=clip(c.tls.version) if c.tls is not None and c.tls.version else "",
        clear=f"{clear:,}",
        encrypted=f"{tls:,}",
        statements=f"{c.statements_total:,}",
        missing=f"{missing:,}",
        has_details=has_details,
    )


def build_details(
    c: ConnectionResult, clock: Clock, names: FrameNames, found: Steps | None, *, redact: bool, statements: int,
    unfolded: bool,
) -> Details:
    """statements: how many may be shown; found: its steps, None where its frames were not looked at."""
    steps = found.steps if found is not None else list(steps_of_scan(c))
    beyond = found.left_out if found is not None else 0
    texts = {one.frame: one for one in reversed(c.statements[:STEP_ROWS])}
    shown = list(c.statements[:statements])
    inside = c.tls.decrypted if c.tls is not None else None
    inside_shown = list(inside.statements[:statements]) if inside is not None else []
    return Details(
        row=build_row(c, has_details=True),
        facts=list(_facts(c, clock, names)),
        reasons=[
            _reason(r.text, place(names.optional(r.frame), r.direction, r.offset)) for r in c.reasons[:REASONS_EACH]
        ],
        proof=PROVEN if (c.verdict, c.confidence) == ("encrypted", "proven") and not c.reasons else "",
        more_reasons=max(len(c.reasons) - REASONS_EACH, 0),
        timeline=draw_timeline(steps, c.first_time_ns, beyond) if steps else None,
        steps=[_step(one, c, texts, names, redact=redact) for one in steps[:STEP_ROWS]],
        more_steps=max(len(steps) - STEP_ROWS, 0) + beyond,
        statements=list(_statements(shown, clock, names, redact=redact)),
        more_statements=max(c.statements_total - len(shown), 0),
        inside=list(_statements(inside_shown, clock, names, redact=redact)),
        more_inside=0 if inside is None else max(inside.statements_total - len(inside_shown), 0),
        inside_facts=list(_inside(c)),
        credentials=[_credential(one, names) for one in c.credentials[:CREDENTIALS_EACH]],
        bytes=draw_bytes(sum_bytes(both([c]))),
        unfolded=unfolded and c.verdict in LEAKS,
    )


def shown_frame(names: FrameNames, frame: int) -> str:
    """Return `1,204`, or `night.pcap:1204` where there are several captures."""
    return names.name(frame) if names.several else f"{frame:,}"


def _facts(c: ConnectionResult, clock: Clock, names: FrameNames) -> Iterator[tuple[str, str]]:
    begin = moment(clock, c.first_frame, c.first_time_ns)
    lasted = after(c.last_time_ns, c.first_time_ns).removeprefix("+")
    span = names.span(c.first_frame, c.last_frame) if names.several else f"{c.first_frame:,} to {c.last_frame:,}"
    frames = f"{span}, {count(c.packets, 'packet')}"
    tls = c.tls
    commands = counted(sorted(c.commands.items()))
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(c.attributes.items()))
    pairs = (
        ("Began", f"{begin}, lasted {lasted}" if begin and lasted and c.packets > 1 else begin),
        ("Frames", frames),
        ("Proof", c.proof or ""),
        ("Protocol", clip(c.protocol)),
        ("Server version", clip(c.server_version or "")),
        ("Connection id at the server", "" if c.thread_id is None else str(c.thread_id)),
        ("User", "" if c.user is None else clip(c.user) or "''"),
        ("Users afterwards", clip(", ".join(c.users_after), 400)),
        ("PROXY header", clip(summarise_proxy(c.proxy), 400) if c.proxy is not None else ""),
        ("Database", clip(c.database or "")),
        ("Authentication", clip(c.auth_plugin or "")),
        ("Compression", clip(c.compression or "")),
        ("Client attributes", clip(attributes, 400)),
        ("TLS", clip(" ".join(part for part in (tls.version, tls.cipher) if part)) if tls is not None else ""),
        ("TLS versions offered", clip(", ".join(tls.offered_versions)) if tls is not None else ""),
        ("TLS server name", clip(tls.sni or "") if tls is not None else ""),
        ("TLS session", "resumed" if tls is not None and tls.resumed else ""),
        *((name, clip(value, 600)) for name, value in (details_in_words(tls) if tls is not None else ())),
        ("Commands in the clear", clip(commands, 400)),
        *((name, clip(text, 600)) for name, text in list_lines(c)),
    )
    return ((name, value) for name, value in pairs if value)


def _credential(one: CredentialResult, names: FrameNames) -> tuple[str, str]:
    plugin = f", {clip(one.plugin)}" if one.plugin else ""
    where = f"Frame {shown_frame(names, one.frame)}, {one.exchange}{plugin}"
    return where, f"{GRADES[one.grade].lower()}: {clip(one.what, 400)}{clip(credential_notes(one), 200)}"


def _inside(c: ConnectionResult) -> Iterator[tuple[str, str]]:
    decrypted = None if c.tls is None else c.tls.decrypted
    if decrypted is None:
        return
    pairs = (
        ("Records decrypted", f"{decrypted.records:,}"),
        ("Records that did not authenticate", f"{decrypted.failed:,}" if decrypted.failed else ""),
        ("Not decrypted", clip(decrypted.not_decrypted or "", 400)),
        ("Protocol inside", clip(decrypted.protocol or "")),
        ("User", "" if decrypted.user is None else clip(decrypted.user) or "''"),
        ("Database", clip(decrypted.database or "")),
        ("Commands", clip(counted(sorted(decrypted.commands.items())), 400)),
    )
    yield from ((name, value) for name, value in pairs if value)


def _reason(text: str, where: str) -> str:
    return f"{clip(text, 400)} ({where})" if where else clip(text, 400)


def _step(
    one: Step, c: ConnectionResult, texts: dict[int, StatementResult], names_of: FrameNames, *, redact: bool
) -> StepRow:
    names = ", ".join(one.names)
    frame = shown_frame(names_of, one.frame)
    statement = texts.get(one.frame) if one.kind == "clear" and one.from_client else None
    if statement is not None:
        names = f"{names}: {sql_text(redact_statement(statement) if redact else statement, 80)}"
    return StepRow(
        frames=frame if one.frames == 1 else f"{frame} and {one.frames - 1:,} more",
        after=after(one.time_ns, c.first_time_ns),
        who=WHO[one.from_client],
        names=names,
        carries=CARRIES[one.kind],
        tone=one.kind,
        bytes=f"{one.bytes:,}",
    )


def _statements(
    found: Iterable[StatementResult], clock: Clock, names: FrameNames, *, redact: bool
) -> Iterator[StatementRow]:
    for one in found:
        shown = redact_statement(one) if redact else one
        values = [clip(p.value.decode("utf-8", "surrogateescape"), 80) for p in shown.parameters[:20]]
        yield StatementRow(
            frame=shown_frame(names, one.frame),
            time=moment(clock, one.frame, one.time_ns),
            command=clip(one.command),
            sql=sql_text(shown),
            parameters=", ".join(values),
            notes=", ".join(statement_notes(one)),
        )
