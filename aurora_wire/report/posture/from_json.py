"""Reads results that `to_json` wrote, for `report`, `evidence` and `compare`.

A file may be anybody's: each field has its type checked, words that a report prints as they are have to be plain, and
what follows from the rest (titles, meanings) is made anew and not taken from the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar, cast, get_args

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import UsageError
from aurora_wire.posture.assess import Assessment, PostureFinding, posture_finding
from aurora_wire.posture.audit import Account, AuditResult, Channel, Connected, Setting
from aurora_wire.posture.bundles import BundleFacts
from aurora_wire.posture.check import EXIT_CODES, VIEWS, CheckResult, Proved, State, Traffic, View
from aurora_wire.posture.client_hello import GROUPS
from aurora_wire.posture.database import Denied
from aurora_wire.posture.fleet import CLUSTER, INSTANCE, PROXY, Fleet, Gap, Member
from aurora_wire.posture.known import Known
from aurora_wire.posture.probe import (
    DIRECT,
    MYSQL,
    NOT_MYSQL,
    PROBED,
    REFUSED,
    UNREACHABLE,
    AddressResult,
    ProbeResult,
    X,
)
from aurora_wire.posture.result import Posture, Probed
from aurora_wire.posture.survey import (
    NO_ANSWER,
    NOT_ASKED,
    NOT_OFFERED,
    OFFERED,
    VERSIONS,
    TLSResult,
    VersionResult,
)
from aurora_wire.posture.target import Target
from aurora_wire.posture.variables import meaning
from aurora_wire.posture.x_capabilities import XCapabilities
from aurora_wire.report.posture.to_json import SCHEMAS
from aurora_wire.rights.inputs import input_file, read_input, reading, size_of_input
from aurora_wire.verdict.certificates import CertificateFacts
from aurora_wire.verdict.product import Product
from aurora_wire.verdict.result import ExceptionResult, Ignored, Verdict
from aurora_wire.verdict.rules.registry import RULES
from aurora_wire.wire.tls.names import version_name
from aurora_wire.wire.tls.suites import NAMES

MAX_RESULT: Final = 256 << 20   # bytes
PLAIN_TEXT: Final = 500         # characters of a word that is printed as it is
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
GRADES: Final = ("A", "B", "C", "D", "F")

_SUITES: Final = {name: code for code, name in NAMES.items()}
_GROUPS: Final = {name: code for code, name in GROUPS.items()}
_VERSIONS: Final = {version_name(version): version for version in VERSIONS}

T = TypeVar("T")


class _Wrong(Exception):  # noqa: N818 - told as a UsageError that names the file
    """What is there is not what a result has."""


def is_result(data: bytes) -> bool:
    """Tell whether a file begins as these results do: an object whose first field is one of their schemas."""
    start = b"".join(data[:200].split())
    return any(start.startswith(b'{"schema":"' + schema.encode()) for schema in SCHEMAS.values())


def looks_like_result(path: str) -> bool:
    """Tell the same of a file; False for what is no plain file, or cannot be read: others say what is wrong with it."""
    try:
        with reading(path):
            is_file = Path(path).is_file()
        if not is_file:
            return False
        with input_file(path) as file:
            return is_result(file.read(200))
    except (OSError, ValueError):
        return False


def split_inputs(paths: list[str]) -> tuple[list[str], list[str]]:
    """Return the paths of captures, and those of results, each in their order."""
    results = [path for path in paths if looks_like_result(path)]
    return [path for path in paths if path not in results], results


def read_result(path: str) -> Posture:
    """Return the result that a file holds. Raises UsageError."""
    try:
        size = size_of_input(path)
        if size > MAX_RESULT:
            raise UsageError(f"{path}: {size:,} bytes are more than a result has ({MAX_RESULT:,}).")
        data = read_input(path)
    except OSError as error:
        raise UsageError(f"{path}: {describe_disk_error(error)}.") from error
    return parse(data, path)


def parse(data: bytes, name: str) -> Posture:
    """Return the result that bytes hold. name: of the file, for messages. Raises UsageError."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{name}: is no JSON ({str(error)[:80]}). JSON lines are not read: write the result with --format json."
        ) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    kind = next((kind for kind, each in SCHEMAS.items() if each == schema), None)
    if kind is None:
        raise UsageError(f"{name}: is no result of probe, audit, fleet or check ({', '.join(SCHEMAS.values())}).")
    whole = _Object(found, "")
    try:
        version = whole.plain("tool_version")
        exceptions = whole.parts("exceptions", _exception) if whole.has("exceptions") else []
        if kind == "audit":
            return Posture(kind, audits=[_audit(whole)], exceptions=exceptions, tool_version=version)
        if kind == "fleet":
            return Posture(kind, fleet=_fleet(whole), tool_version=version)
        authorities = whole.part("authorities", _bundle)
        if kind == "probe":
            return Posture(
                kind, whole.parts("targets", _target), authorities=authorities, exceptions=exceptions,
                tool_version=version,
            )  # fmt: skip
        return Posture(
            kind, checks=whole.parts("targets", _check), authorities=authorities, exceptions=exceptions,
            tool_version=version,
        )
    except _Wrong as error:
        raise UsageError(f"{name}: is a result with something wrong in it: {error}.") from error


class _Object:
    """An object of the file; its fields are asked for by their types. Raises _Wrong."""

    def __init__(self, value: object, at: str) -> None:
        if not isinstance(value, dict):
            raise _Wrong(f"{at or 'it'} is no object")
        self._fields = cast("dict[str, object]", value)
        self.at = at

    def _place(self, name: str) -> str:
        return f"{self.at}.{name}" if self.at else name

    def has(self, name: str) -> bool:
        return name in self._fields

    def value(self, name: str) -> object:
        if name not in self._fields:
            raise _Wrong(f"{self._place(name)} is missing")
        return self._fields[name]

    def _typed(self, name: str, kind: type[T]) -> T:
        value = self.value(name)
        if type(value) is not kind:
            raise _Wrong(f"{self._place(name)} is none of the kind that it has to be")
        return value

    def text(self, name: str) -> str:
        return self._typed(name, str)

    def optional_text(self, name: str) -> str:
        """Return text; null is written for what is empty."""
        return "" if self.value(name) is None else self.text(name)

    def plain(self, name: str) -> str:
        """Return a word of our own: printable ASCII, so that it can be shown as it is."""
        return self._is_plain(name, self.text(name))

    def optional_plain(self, name: str) -> str:
        return self._is_plain(name, self.optional_text(name))

    def _is_plain(self, name: str, text: str) -> str:
        if not (text.isascii() and (text.isprintable() or not text) and len(text) <= PLAIN_TEXT):
            raise _Wrong(f"{self._place(name)} is no plain word")
        return text

    def read_choice(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self.text(name)
        if text not in allowed:
            raise _Wrong(f"{self._place(name)} is none of {', '.join(allowed)}")
        return text

    def truth(self, name: str) -> bool:
        return self._typed(name, bool)

    def optional_truth(self, name: str) -> bool | None:
        return None if self.value(name) is None else self.truth(name)

    def number(self, name: str, most: int = 1 << 53) -> int:
        value = self._typed(name, int)
        if not 0 <= value <= most:
            raise _Wrong(f"{self._place(name)} is out of range")
        return value

    def optional_number(self, name: str) -> int:
        return 0 if self.value(name) is None else self.number(name)

    def time(self, name: str) -> datetime:
        try:
            return datetime.strptime(self.text(name), _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            raise _Wrong(f"{self._place(name)} is no time") from error

    def optional_time(self, name: str) -> datetime | None:
        return None if self.value(name) is None else self.time(name)

    def part(self, name: str, read: Callable[[_Object], T]) -> T | None:
        value = self.value(name)
        return None if value is None else read(_Object(value, self._place(name)))

    def parts(self, name: str, read: Callable[[_Object], T]) -> list[T]:
        return [read(_Object(each, f"{self._place(name)}[{at}]")) for at, each in enumerate(self._list(name))]

    def texts(self, name: str) -> list[str]:
        found = self._list(name)
        if not all(isinstance(each, str) for each in found):
            raise _Wrong(f"{self._place(name)} is no list of words")
        return cast("list[str]", found)

    def codes(self, name: str, known: dict[str, int]) -> list[int]:
        """Return the numbers of names, `0x1A2B` where the registry has none."""
        return [self._code(name, each, known) for each in self.texts(name)]

    def _code(self, name: str, text: str, known: dict[str, int]) -> int:
        if text in known:
            return known[text]
        try:
            code = int(text, 16) if text.startswith("0x") and len(text) == 6 else -1
        except ValueError:
            code = -1
        if code < 0 or f"0x{code:04X}" != text or code in known.values():
            raise _Wrong(f"{self._place(name)} has a name that nobody knows")
        return code

    def _list(self, name: str) -> list[object]:
        return self._typed(name, list)

    def counts(self, name: str, allowed: tuple[str, ...]) -> dict[str, int]:
        """Return the numbers of an object, by one of the allowed names."""
        part = _Object(self.value(name), self._place(name))
        if not set(part._fields) <= set(allowed):
            raise _Wrong(f"{self._place(name)} counts something that nobody knows")
        return {key: part.number(key) for key in part._fields}


def _read_target(each: _Object) -> Target:
    port = each.number("port", 65_535)
    return Target(each.text("host"), port)


def _findings(each: _Object) -> list[PostureFinding]:
    return each.parts("findings", _finding)


def _finding(each: _Object) -> PostureFinding:
    rule = each.plain("rule")
    if rule not in RULES:
        raise _Wrong(f"{each.at}.rule: this version knows no {rule[:20]}")
    found = posture_finding(rule, each.text("detail"), each.texts("items"))
    if (found.severity, found.title) != (each.text("severity"), each.text("title")):
        raise _Wrong(f"{each.at}: title or severity are not those of {rule}")
    if not each.has("ignored"):
        return found
    return replace(found, ignored=each.part("ignored", lambda one: Ignored(one.text("reason"), one.plain("until"))))


def _exception(each: _Object) -> ExceptionResult:
    found = ExceptionResult(
        each.text("known"), each.plain("until"), each.text("reason"), each.number("findings"), each.truth("expired")
    )
    try:
        Known([found])
    except UsageError as error:
        raise _Wrong(f"{each.at} is no exception") from error
    return found


def _bundle(each: _Object) -> BundleFacts:
    return BundleFacts(
        each.text("path"), each.plain("sha256"), each.number("certificates"), each.texts("expired"),
        each.texts("regions"), each.truth("withdrawn"), each.number("amazon_certificates"),
    )  # fmt: skip


def _target(each: _Object) -> Probed:
    pairs = each.parts("addresses", _address)
    result = ProbeResult(
        _read_target(each), each.time("time"), [result for result, _ in pairs], each.optional_text("reason")
    )
    return result, [assessment for _, assessment in pairs]


def _address(each: _Object) -> tuple[AddressResult, Assessment]:
    accepted = each.optional_truth("trusted")
    error = each.optional_text("trust_error")
    if (accepted is False) != bool(error):
        raise _Wrong(f"{each.at}: trusted and trust_error do not fit together")
    found = AddressResult(
        each.plain("address"), each.read_choice("status", (PROBED, REFUSED, NOT_MYSQL, UNREACHABLE)),
        each.optional_text("reason"), each.read_choice("protocol", (MYSQL, X, DIRECT)),
        each.optional_text("server_version"), 0, each.optional_text("auth_plugin"), each.part("product", _product),
        each.optional_truth("offers_tls"), each.truth("offer_stripped"), each.optional_number("error_code"),
        each.part("tls", _tls), each.parts("certificates", _certificate), None if accepted is None else error,
        each.number("connections"), each.part("x_protocol", _x_protocol),
    )  # fmt: skip
    grade = each.read_choice("grade", GRADES) if each.value("grade") is not None else ""
    return found, Assessment(grade, _findings(each))


def _x_protocol(each: _Object) -> XCapabilities:
    return XCapabilities(
        each.truth("tls"), each.texts("mechanisms"), each.texts("compression"), each.optional_text("node")
    )


def _product(each: _Object) -> Product:
    return Product(each.plain("name"), each.text("why"), each.optional_text("region"))


def _tls(each: _Object) -> TLSResult:
    versions = each.parts("versions", _version)
    if [one.version for one in versions] != list(VERSIONS):
        raise _Wrong(f"{each.at}.versions are not those that are asked for")
    return TLSResult(versions, each.codes("groups", _GROUPS), each.truth("groups_complete"))


def _version(each: _Object) -> VersionResult:
    return VersionResult(
        _VERSIONS[each.read_choice("version", tuple(_VERSIONS))],
        each.read_choice("status", (OFFERED, NOT_OFFERED, NOT_ASKED, NO_ANSWER)), each.codes("suites", _SUITES),
        each.truth("complete"), each.optional_truth("own_order"), each.optional_number("dh_bits"),
    )  # fmt: skip


def _certificate(each: _Object) -> CertificateFacts:
    return CertificateFacts(
        each.text("subject"), each.text("issuer"), each.texts("names"), each.time("not_before"),
        each.time("not_after"), each.plain("key"), each.optional_number("key_bits"), each.plain("signature"),
        each.plain("sha256"), each.truth("self_signed"), each.truth("authority"), each.texts("ocsp"),
        each.texts("crl"), each.optional_plain("made_by"), each.optional_plain("amazon"),
    )  # fmt: skip


def _audit(each: _Object) -> AuditResult:
    session = each.part("session", lambda one: (one.optional_text("version"), one.optional_text("cipher")))
    accounts = None if each.value("accounts") is None else each.parts("accounts", _account)
    connected = None if each.value("connected") is None else each.parts("connected", _connected)
    return AuditResult(
        _read_target(each), each.time("time"), each.text("server_version"), each.text("account"),
        session or ("", ""), each.parts("settings", _setting), each.optional_time("certificate_not_after"), connected,
        each.optional_text("connected_bound"), accounts, each.number("accounts_total"),
        each.parts("replication", _channel), each.parts("not_seen", _denied), _findings(each),
        each.read_choice("grade", GRADES),
    )  # fmt: skip


def _setting(each: _Object) -> Setting:
    name, value = each.text("name"), each.text("value")
    return Setting(name, value, meaning(name, value))


def _connected(each: _Object) -> Connected:
    return Connected(each.text("user"), each.text("host"), each.text("by"), each.number("count"))


def _account(each: _Object) -> Account:
    return Account(
        each.text("user"), each.text("host"), each.optional_text("requires"), each.text("plugin"),
        each.truth("locked"), each.truth("own"), each.truth("unused"),
    )  # fmt: skip


def _channel(each: _Object) -> Channel:
    return Channel(each.text("channel"), each.text("source"), each.optional_truth("tls"))


def _denied(each: _Object) -> Denied:
    return Denied(each.plain("what"), each.text("grant"))


def _fleet(each: _Object) -> Fleet:
    return Fleet(each.time("time"), each.parts("members", _member), each.parts("not_seen", _gap))


def _member(each: _Object) -> Member:
    return Member(
        each.read_choice("kind", (CLUSTER, INSTANCE, PROXY)), each.text("name"), each.optional_text("region"),
        each.text("engine"), each.optional_text("version"), each.optional_text("cluster"),
        each.optional_plain("role"), each.optional_text("endpoint"), each.optional_text("parameter_group"),
        each.optional_truth("requires_tls"), each.truth("from_default"), each.optional_text("tls_versions"),
        each.truth("pending_restart"), each.optional_text("ca"), each.optional_time("ca_expires"),
        each.optional_truth("iam_authentication"), each.optional_truth("publicly_accessible"),
    )  # fmt: skip


def _gap(each: _Object) -> Gap:
    return Gap(
        each.optional_text("region"), each.text("what"), each.optional_plain("action"), each.text("reason")
    )


def _check(each: _Object) -> CheckResult:
    probed = each.part("probe", _target)
    amazon = each.part("amazon", lambda one: [one.part("member", _member)])
    return CheckResult(
        _read_target(each), each.time("time"), each.parts("views", _view), each.texts("contradictions"),
        _state(each), None if probed is None else probed[0], [] if probed is None else probed[1],
        each.part("audit", _audit), amazon is not None, amazon[0] if amazon else None, each.part("traffic", _traffic),
        None if each.value("proved") is None else each.parts("proved", _proved),
    )  # fmt: skip


def _proved(each: _Object) -> Proved:
    return Proved(each.text("client"), each.plain("mode"), each.plain("result"))


def _state(each: _Object) -> State:
    return cast("State", each.read_choice("state", tuple(EXIT_CODES)))


def _view(each: _Object) -> View:
    return View(each.read_choice("view", VIEWS), each.text("answer"), _state(each))


def _traffic(each: _Object) -> Traffic:
    return Traffic(
        each.counts("sessions", get_args(Verdict)), each.number("elsewhere"), each.texts("leaking_users"),
        each.truth("complete"),
    )  # fmt: skip
