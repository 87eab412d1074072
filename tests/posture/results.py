"""Results of each command made by hand, and any that hypothesis thinks of; what follows from them is judged as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from aurora_wire.posture.audit import Account, AuditResult, Channel, Connected, Setting
from aurora_wire.posture.bundles import BundleFacts
from aurora_wire.posture.check import CheckResult, Proved, Traffic
from aurora_wire.posture.client_hello import GROUPS, SSL3, TLS10, TLS11, TLS12, TLS13
from aurora_wire.posture.database import Denied
from aurora_wire.posture.fleet import CLUSTER, INSTANCE, PROXY, Fleet, Gap, Member
from aurora_wire.posture.probe import PROBED, UNREACHABLE, AddressResult, ProbeResult
from aurora_wire.posture.result import KINDS, Kind, Posture, judge_again
from aurora_wire.posture.survey import NO_ANSWER, NOT_ASKED, NOT_OFFERED, OFFERED, TLSResult, VersionResult
from aurora_wire.posture.target import Target
from aurora_wire.posture.variables import meaning
from aurora_wire.posture.x_capabilities import XCapabilities
from aurora_wire.verdict.certificates import OWN_OF_MYSQL, CertificateFacts
from aurora_wire.verdict.product import Product

NOW = datetime(2026, 11, 29, 12, 30, 15, tzinfo=UTC)
HOST = "db.example.com"
HOSTILE = "bob\x1b[2J\x1b]0;pwned\x07\x9b31m\u202e\ud800\n<b>|@all `x` =1+1; ''@'%'"


def certificate(*, days: int = 400, **changes: object) -> CertificateFacts:
    found = CertificateFacts(
        "CN=db.example.com", "CN=Some CA", ["db.example.com"], NOW - timedelta(30), NOW + timedelta(days), "RSA", 2048,
        "RSA_WITH_SHA256", "ab" * 32, is_self_signed=False, is_authority=False,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def tls(old: str = NOT_OFFERED) -> TLSResult:
    return TLSResult(
        [
            VersionResult(TLS13, OFFERED, [0x1301, 0x1302], complete=True, own_order=True),
            VersionResult(TLS12, OFFERED, [0xC02F, 0xC030, 0xFE07], complete=True, own_order=False, dh_bits=3072),
            VersionResult(TLS11, old, [0xC013] if old == OFFERED else [], complete=True),
            VersionResult(TLS10, NOT_OFFERED, complete=True),
            VersionResult(SSL3, NOT_OFFERED, complete=True),
        ],
        [0x001D, 0x11EC], groups_complete=True,
    )  # fmt: skip


def address(place: str = "192.0.2.7", **changes: object) -> AddressResult:
    found = AddressResult(
        place, PROBED, version="8.4.3", auth_plugin="caching_sha2_password",
        product=Product("MySQL", "the version 8.4.3"), offers_tls=True, tls=tls(), chain=[certificate()], trusted="",
        connections=30,
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]


def bare(place: str = "192.0.2.8") -> AddressResult:
    """An address that offers no TLS."""
    return address(place, offers_tls=False, tls=None, chain=[], trusted=None, connections=1)


def probe(*addresses: AddressResult, host: str = HOST, authorities: BundleFacts | None = None) -> Posture:
    result = ProbeResult(Target(host), NOW, list(addresses), "" if addresses else "this name has no address")
    return judge_again(Posture("probe", probes=[(result, [])], authorities=authorities))


def audited(*, requires: bool = False, clear: int = 2, host: str = HOST) -> AuditResult:
    found = AuditResult(Target(host), NOW, "8.4.3", "'auditor'@'%'", ("TLSv1.3", "TLS_AES_128_GCM_SHA256"))
    values = {
        "require_secure_transport": "ON" if requires else "OFF", "tls_version": "TLSv1.2,TLSv1.3", "ssl_ca": "ca.pem",
        "local_infile": "OFF", "ssl_fips_mode": "OFF",
    }  # fmt: skip
    found.settings = [Setting(name, value, meaning(name, value)) for name, value in sorted(values.items())]
    found.connected = [Connected("app", "10.0.0.5", "TCP/IP", clear)] if clear else []
    found.connected.append(Connected("auditor", "10.0.0.6", "SSL/TLS", 1))
    found.accounts = [
        Account("app", "%", "", "caching_sha2_password", locked=False, own=False),
        Account("strict", "%", "ANY", "caching_sha2_password", locked=False, own=False),
        Account("mysql.sys", "localhost", "", "caching_sha2_password", locked=True, own=True),
    ]  # fmt: skip
    found.account_count = 3
    found.channels = [Channel("replication", "10.0.0.9:3306", tls=True)]
    found.denied = [Denied("something else", "GRANT SELECT ON mysql.x TO 'auditor'@'%';")]
    found.not_after = NOW + timedelta(400)
    return found


def audit(**options: object) -> Posture:
    return judge_again(Posture("audit", audits=[audited(**options)]))  # type: ignore[arg-type]


def fleet() -> Posture:
    cluster = Member(
        CLUSTER, "shop", "eu-west-1", "aurora-mysql", "8.0.mysql_aurora.3.04.0",
        endpoint="shop.cluster-c1.eu-west-1.rds.amazonaws.com", group="own", requires_tls=False, iam=True,
        pending=True, tls_versions="TLSv1.1,TLSv1.2",
    )  # fmt: skip
    writer = Member(
        INSTANCE, "shop-1", "eu-west-1", "aurora-mysql", "8.4", cluster="shop", role="writer", requires_tls=True,
        from_default=True, ca="rds-ca-rsa2048-g1", ca_expires=NOW + timedelta(10), public=False,
    )  # fmt: skip
    proxy = Member(PROXY, "p", "", "proxy", "")
    gap = Gap("eu-west-1", "proxies", "rds:DescribeDBProxies", "denied")
    return Posture("fleet", fleet=Fleet(NOW, [cluster, writer, proxy], [gap]))


def check(*, requires: bool = False, clear: int = 0, leaking: int = 1) -> Posture:
    found = CheckResult(Target(HOST), NOW, probe=ProbeResult(Target(HOST), NOW, [address()]))
    found.audit = audited(requires=requires, clear=clear)
    found.fleet_asked = True
    found.traffic = Traffic({"plaintext": leaking, "encrypted": 3} if leaking else {"encrypted": 3}, 2, ["app"],
                            complete=True)
    return judge_again(Posture("check", checks=[found]))


def with_clients(posture: Posture) -> Posture:
    """The same, with what clients did just now."""
    proved = [Proved("pymysql", "off", "plaintext"), Proved("pymysql", "verify-identity", "TLS")]
    return judge_again(replace(posture, checks=[replace(each, proved=proved) for each in posture.checks]))


def hostile(kind: Kind) -> Posture:
    """A result whose every text is an attacker's."""
    evil = address(
        version=HOSTILE, auth_plugin=HOSTILE, x=XCapabilities(True, [HOSTILE], [HOSTILE], HOSTILE),
        product=Product("MySQL", HOSTILE), trusted=HOSTILE,
        chain=[certificate(subject=HOSTILE, issuer=HOSTILE, names=[HOSTILE], ocsp=[HOSTILE], crl=[HOSTILE])],
    )  # fmt: skip
    target = Target(HOSTILE)
    probed = ProbeResult(target, NOW, [evil, address("192.0.2.9", status=UNREACHABLE, reason=HOSTILE)])
    login = replace(
        audited(), target=target, version=HOSTILE, account=f"'{HOSTILE}'@'%'", session=(HOSTILE, HOSTILE),
        settings=[Setting("require_secure_transport", HOSTILE, ""), Setting(HOSTILE, HOSTILE, "")],
        connected=[Connected(HOSTILE, HOSTILE, "TCP/IP", 1)], bound=HOSTILE,
        accounts=[Account(HOSTILE, HOSTILE, "", HOSTILE, locked=False, own=False)],
        channels=[Channel(HOSTILE, HOSTILE, tls=False)],
        denied=[Denied("accounts", f"GRANT SELECT ON mysql.* TO '{HOSTILE}'@'%';")],
    )  # fmt: skip
    member = Member(CLUSTER, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "writer", HOSTILE, HOSTILE, False, False,
                    HOSTILE, ca=HOSTILE)
    if kind == "probe":
        bundle = BundleFacts(HOSTILE, "00" * 32, 1, [HOSTILE])
        return judge_again(Posture(kind, probes=[(probed, [])], authorities=bundle))
    if kind == "audit":
        return judge_again(Posture(kind, audits=[login]))
    if kind == "fleet":
        gap = Gap(HOSTILE, HOSTILE, "", HOSTILE)
        return Posture(kind, fleet=Fleet(NOW, [member, replace(member, endpoint="")], [gap]))
    found = CheckResult(target, NOW, probe=probed, audit=login, fleet_asked=True, member=member)
    found.traffic = Traffic({"mixed": 1}, 0, [HOSTILE], complete=True)
    found.proved = [Proved(HOSTILE, "off", "mixed")]
    return judge_again(Posture(kind, checks=[found]))


def each_kind() -> dict[str, Posture]:
    """Results with a bit of everything, by a name for each."""
    bundle = BundleFacts("rds-combined-ca-bundle.pem", "cd" * 32, 3, ["Amazon RDS Root 2019 CA"], ["eu-west-1"],
                         withdrawn=True, amazon_count=2)
    found = {
        "probe": probe(address(), bare(), authorities=bundle),
        "probe-nothing": probe(host="no.such.host"),
        "audit": audit(),
        "fleet": fleet(),
        "check": with_clients(check(requires=True)),
        **{f"hostile-{kind}": hostile(kind) for kind in KINDS},
    }
    return {name: replace(each, tool_version="1.2.3") for name, each in found.items()}


# Anything that a server may answer.
_TEXTS = st.text(st.characters(codec=None), max_size=12)
_TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda t: t.replace(microsecond=0, tzinfo=UTC))
_STATUSES = st.sampled_from((OFFERED, NOT_OFFERED, NOT_ASKED, NO_ANSWER))
_SUITES = st.lists(st.integers(0, 0xFFFF), max_size=5)
_MAYBE = st.none() | st.booleans()
_CERTIFICATES = st.builds(
    CertificateFacts, _TEXTS, _TEXTS, st.lists(_TEXTS, max_size=2), _TIMES, _TIMES,
    st.sampled_from(("RSA", "ECDSA secp256r1")), st.integers(0, 16_384),
    st.sampled_from(("RSA_WITH_SHA1", "1.2.840")), st.just("ab" * 32), st.booleans(), st.booleans(),
    st.lists(_TEXTS, max_size=2), st.lists(_TEXTS, max_size=2), st.sampled_from(("", OWN_OF_MYSQL)),
)  # fmt: skip


@st.composite
def tls_results(draw: st.DrawFn) -> TLSResult:
    versions = [
        VersionResult(version, draw(_STATUSES), draw(_SUITES), draw(st.booleans()), draw(_MAYBE),
                      draw(st.integers(0, 8192)))
        for version in (TLS13, TLS12, TLS11, TLS10, SSL3)
    ]  # fmt: skip
    groups = draw(st.lists(st.sampled_from(list(GROUPS)), max_size=4, unique=True))
    return TLSResult(versions, groups, draw(st.booleans()))


_ADDRESSES = st.builds(
    AddressResult, st.just("192.0.2.1"), st.sampled_from((PROBED, UNREACHABLE)), _TEXTS, st.just("mysql"), _TEXTS,
    st.just(0), _TEXTS, st.none() | st.builds(Product, st.just("MySQL"), _TEXTS, _TEXTS), _MAYBE, st.booleans(),
    st.integers(0, 9999), st.none() | tls_results(), st.lists(_CERTIFICATES, max_size=3), st.none() | _TEXTS,
    st.integers(0, 60), st.none() | st.builds(
        XCapabilities, st.booleans(), st.lists(_TEXTS, max_size=2), st.lists(_TEXTS, max_size=2), _TEXTS,
    ),
)  # fmt: skip
_TARGETS = st.builds(Target, _TEXTS, st.integers(1, 65535))
_PROBES = st.builds(ProbeResult, _TARGETS, _TIMES, st.lists(_ADDRESSES, max_size=2), _TEXTS)
_SETTINGS = st.builds(
    lambda name, value: Setting(name, value, meaning(name, value)),
    st.sampled_from(("require_secure_transport", "tls_version", "local_infile", "have_ssl")) | _TEXTS,
    st.sampled_from(("ON", "OFF", "", "TLSv1.1,TLSv1.2")) | _TEXTS,
)
_CONNECTED = st.builds(Connected, _TEXTS, _TEXTS, st.just("TCP/IP") | _TEXTS, st.integers(0, 9))
_ACCOUNTS = st.builds(Account, _TEXTS, _TEXTS, _TEXTS, _TEXTS, st.booleans(), st.booleans())
_AUDITS = st.builds(
    AuditResult, _TARGETS, _TIMES, _TEXTS, _TEXTS, st.tuples(_TEXTS, _TEXTS), st.lists(_SETTINGS, max_size=4),
    st.none() | _TIMES,
    st.none() | st.lists(_CONNECTED, max_size=3), _TEXTS, st.none() | st.lists(_ACCOUNTS, max_size=7),
    st.integers(0, 9), st.lists(st.builds(Channel, _TEXTS, _TEXTS, _MAYBE), max_size=2),
    st.lists(st.builds(Denied, st.just("accounts"), _TEXTS), max_size=2),
)  # fmt: skip
_MEMBERS = st.builds(
    Member, st.sampled_from((CLUSTER, INSTANCE, PROXY)), _TEXTS, _TEXTS, _TEXTS, _TEXTS, _TEXTS,
    st.sampled_from(("", "writer", "reader")), _TEXTS, _TEXTS, _MAYBE, st.booleans(), _TEXTS, st.booleans(), _TEXTS,
    st.none() | _TIMES, _MAYBE, _MAYBE,
)  # fmt: skip
_TRAFFIC = st.builds(
    Traffic, st.dictionaries(st.sampled_from(("plaintext", "mixed", "encrypted", "no-session")), st.integers(0, 9)),
    st.integers(0, 9), st.lists(_TEXTS, max_size=7), st.booleans(),
)  # fmt: skip


@st.composite
def checks(draw: st.DrawFn) -> CheckResult:
    found = CheckResult(draw(_TARGETS), draw(_TIMES), probe=draw(st.none() | _PROBES), audit=draw(st.none() | _AUDITS))
    found.fleet_asked = draw(st.booleans())
    found.member = draw(st.none() | _MEMBERS) if found.fleet_asked else None
    found.traffic = draw(st.none() | _TRAFFIC)
    proved = st.builds(Proved, _TEXTS, st.sampled_from(("off", "default")), st.sampled_from(("plaintext", "TLS")))
    found.proved = draw(st.none() | st.lists(proved, max_size=3))
    return found


_BUNDLES = st.builds(BundleFacts, _TEXTS, st.just("cd" * 32), st.integers(1, 9), st.lists(_TEXTS, max_size=2),
                     st.lists(_TEXTS, max_size=2), st.booleans(), st.integers(0, 3))


@st.composite
def results(draw: st.DrawFn) -> Posture:
    """Any result, judged."""
    kind: Kind = draw(st.sampled_from(KINDS))
    if kind == "probe":
        probes = [(each, []) for each in draw(st.lists(_PROBES, max_size=2))]
        return judge_again(Posture(kind, probes, authorities=draw(st.none() | _BUNDLES)))
    if kind == "audit":
        return judge_again(Posture(kind, audits=[draw(_AUDITS)]))
    if kind == "fleet":
        gaps = st.builds(Gap, _TEXTS, _TEXTS, st.sampled_from(("", "rds:DescribeDBProxies")), _TEXTS)
        return Posture(kind, fleet=Fleet(draw(_TIMES), draw(st.lists(_MEMBERS, max_size=3)),
                                         draw(st.lists(gaps, max_size=2))))
    return judge_again(Posture(kind, checks=draw(st.lists(checks(), max_size=2))))
