"""Condition 2 of `proven`: what a TLS handshake, as far as it is in the clear, lacks of what the contract asks for."""

from __future__ import annotations

from collections.abc import Iterator

from aurora_wire.verdict.result import Direction, Reason
from aurora_wire.wire.flows.facts import Facts
from aurora_wire.wire.tls import handshake
from aurora_wire.wire.tls.facts import TLSFacts, TLSSide
from aurora_wire.wire.tls.hello import ClientHello, ServerHello
from aurora_wire.wire.tls.names import SUPPORTED_VERSIONS, TLS_1_3, version_name
from aurora_wire.wire.tls.suite_strength import authenticates, encrypts, fits_version, suite_name, weakness

# Of `TLSSide.odd`.
ODD: dict[int, str] = {
    handshake.MALFORMED: "a handshake message of the {side} that no peer accepts",
    handshake.UNKNOWN_MESSAGE: "a handshake message of the {side} of a type that cannot come before the keys",
    handshake.NOT_WHOLE: "a handshake message of the {side} whose rest never came",
    handshake.READS: "readable text of the {side} in a handshake message that has none",
    handshake.PLAIN_FINISHED: "a handshake message of the {side} in the clear where an encrypted Finished has to be",
}


def place(number: int) -> int | None:
    """Return a frame or an offset as reasons name it: None where the thing was not seen."""
    return number if number >= 0 else None


def suite_doubts(tls: TLSFacts) -> Iterator[Reason]:
    """Check the suite: it encrypts, authenticates, was offered, is one of its version."""
    hello = tls.server_hello
    if hello is None:
        return
    suite = hello.suite
    name = suite_name(suite)
    weak = weakness(suite)
    if weak == "NULL":
        yield Reason("suite-null", f"{name} does not encrypt", tls.server_frame, "server")
    elif weak == "anonymous":
        yield Reason("suite-anonymous", f"{name} does not authenticate the server's key", tls.server_frame, "server")
    elif not (encrypts(suite) and authenticates(suite)):
        yield Reason("suite-unknown", f"the cipher suite {name} is not known here", tls.server_frame, "server")
    elif not fits_version(suite, hello.version):
        words_for = f"{name} is no cipher suite of {version_name(hello.version)}"
        yield Reason("suite-version", words_for, tls.server_frame, "server")
    client = tls.client_hello
    if client is not None and not client.offers(suite):
        yield Reason("suite-not-offered", f"the client had not offered {name}", tls.server_frame, "server")


def handshake_doubts(facts: Facts, tls: TLSFacts) -> Iterator[Reason]:
    """Check the hellos, what has to follow them in order, and data both ways."""
    hello, offer = tls.server_hello, tls.client_hello
    if offer is None:
        yield Reason("handshake-incomplete", "no ClientHello was captured", _first(tls), "client")
    if hello is None:
        yield Reason("handshake-incomplete", "no ServerHello was captured", _first(tls), "server")
    if hello is not None and offer is not None:
        yield from _agreement(tls, offer, hello)
    yield from _hellos(tls)
    for name, side in _sides(tls):
        if facts.side(name == "client").missing + facts.side(name == "client").truncated == 0:
            yield from _order(tls, name, side)
    if hello is not None and hello.version < TLS_1_3:
        for name, side in _sides(tls):
            missing = "ChangeCipherSpec" if not side.spec_changed else "encrypted Finished"
            if not side.spec_changed or not side.encrypted_handshake:
                words_for = f"no {missing} of the {name}"
                yield Reason("handshake-incomplete", words_for, place(side.first_frame), name)
    for name, side in _sides(tls):
        late = side.data_records > 0
        if late and hello is not None and hello.version >= TLS_1_3 and name == "server":
            # By what it acknowledged, not by frames: the clocks of two taps differ.
            late = side.last_data_acked > tls.client.first_data_offset >= 0
        if not late:
            words_for = f"no application data of the {name} was captured"
            yield Reason("no-application-data", words_for, place(side.first_frame), name)


def _agreement(tls: TLSFacts, offer: ClientHello, hello: ServerHello) -> Iterator[Reason]:
    """Check that the server picked what was offered."""
    version = hello.version
    if SUPPORTED_VERSIONS in offer.extensions:
        offered = version in offer.versions
    else:
        offered = version <= offer.version and version < TLS_1_3
    if not offered:
        words_for = f"the client had not offered {version_name(version)}"
        yield Reason("version-not-offered", words_for, tls.server_frame, "server")
    if hello.compression not in offer.compressions:
        yield Reason("bad-handshake", "the client had not offered this compression", tls.server_frame, "server")
    if version >= TLS_1_3 and hello.session_id != offer.session_id:
        words_for = "the ServerHello does not repeat the client's session id"
        yield Reason("bad-handshake", words_for, tls.server_frame, "server")


def _hellos(tls: TLSFacts) -> Iterator[Reason]:
    """Check that there is one hello of each, or with a HelloRetryRequest two ClientHellos."""
    if tls.client.hellos > (2 if tls.retry else 1):
        words_for = f"{tls.client.hellos} ClientHellos, and {tls.retries or 'no'} HelloRetryRequest"
        yield Reason("bad-handshake", words_for, place(tls.hello_frame), "client")
    if tls.server.hellos > 1:
        yield Reason("bad-handshake", f"{tls.server.hellos} ServerHellos", place(tls.server_frame), "server")
    hello = tls.server_hello
    if tls.retries > 1 or (tls.retry and hello is not None and hello.version < TLS_1_3):
        words_for = "a HelloRetryRequest that cannot come here"
        yield Reason("bad-handshake", words_for, place(tls.server_frame), "server")


def _order(tls: TLSFacts, name: Direction, side: TLSSide) -> Iterator[Reason]:
    """Check what came before the keys, and what has to come between ChangeCipherSpec and the first data."""
    if side.odd and side.hellos:
        words_for = ODD[side.odd].format(side=name)
        yield Reason("bad-handshake", words_for, place(side.odd_frame), name, place(side.odd_offset))
    hello, offer = tls.server_hello, tls.client_hello
    if hello is None:
        return
    early = side.before_spec if hello.version < TLS_1_3 else side.before_hello
    if early and hello.version >= TLS_1_3 and name == "client" and offer is not None:
        early = 0 if offer.has_psk and offer.has_early_data else early
    if early:
        words_for = f"application data of the {name} before the keys"
        yield Reason("bad-handshake", words_for, place(side.early_frame), name, place(side.early_offset))
    if hello.version >= TLS_1_3:
        if side.other_messages:
            words_for = f"a handshake message of the {name} in the clear that TLS 1.3 encrypts"
            yield Reason("bad-handshake", words_for, place(side.other_frame), name)
        return
    if side.spec_changed and not (side.keys_before_spec or (name == "client" and _resumes(tls))):
        words_for = f"ChangeCipherSpec of the {name} before there could be keys"
        yield Reason("bad-handshake", words_for, place(side.spec_frame), name)
    if name == "server" and side.keys_before_spec and not tls.hello_done and not _resumes(tls):
        words_for = "ChangeCipherSpec of the server right after a ServerHello that resumes no session"
        yield Reason("bad-handshake", words_for, place(side.spec_frame), name)
    if side.spec_changed and side.finished > 1:
        words_for = f"{side.finished} handshake records of the {name} where one Finished has to be"
        yield Reason("bad-handshake", words_for, place(side.spec_frame), name)


def _resumes(tls: TLSFacts) -> bool:
    """Return whether a session of TLS <= 1.2 was resumed: nothing between ServerHello and ChangeCipherSpec or a ticket,
    and the client had shown a session id, which the server repeats, or a ticket."""
    hello, offer = tls.server_hello, tls.client_hello
    if hello is None or offer is None or tls.hello_done:
        return False
    return (len(offer.session_id) > 0 and hello.session_id == offer.session_id) or offer.session_ticket


def _sides(tls: TLSFacts) -> list[tuple[Direction, TLSSide]]:
    return [("client", tls.client), ("server", tls.server)]


def _first(tls: TLSFacts) -> int | None:
    frames = [side.first_frame for side in (tls.client, tls.server) if side.first_frame >= 0]
    return min(frames) if frames else None
