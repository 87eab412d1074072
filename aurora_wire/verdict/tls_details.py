"""What the handshake says of the quality of TLS: key exchange, certificates, fingerprints of the client.

Nothing is parsed here: certificates stay as they crossed, and are read once for all connections that show them.
"""

from __future__ import annotations

from typing import Final

from aurora_wire.verdict.hello_fingerprints import compute_fingerprints
from aurora_wire.verdict.result import ClientCertificate, TLSResult
from aurora_wire.wire.tls.facts import TLSFacts
from aurora_wire.wire.tls.hello import ServerHello
from aurora_wire.wire.tls.names import FFDHE_BITS, POST_QUANTUM, TLS_1_3, group_name
from aurora_wire.wire.tls.suite_strength import suite_name

NOT_VISIBLE: Final = "not visible: TLS 1.3 encrypts it, and only a key log shows it"
NOT_SENT: Final = "not sent: an earlier session was resumed"
HAS_NONE: Final = "not sent: the cipher suite has none"
NOT_CAPTURED: Final = "not captured"
MISSING: Final = "the package that opens it is missing: pip install 'aurora_wire[keylog]'"
COMPRESSIONS: Final = {2: "brotli", 3: "zstd"}   # RFC 8879; zlib is always there


def add_details(result: TLSResult, tls: TLSFacts) -> None:
    """Fill in what key exchange, certificates and hellos say."""
    hello = tls.server_hello
    first = tls.first_hello if tls.first_hello is not None else tls.client_hello
    found = compute_fingerprints(first) if first is not None else None
    if found is not None:
        result.ja3, result.ja4 = found
    if tls.retry or hello is not None:
        result.hello_retry = bool(tls.retry)
    if hello is not None:
        _key_exchange(result, tls, hello)
    server, client = tls.server, tls.client
    if server.certificate_count >= 0:
        result.certificates = server.certificates
        result.certificates_total = server.certificate_count
    else:
        result.no_certificates = _why_none(tls)
    result.client_certificate = _of_client(tls)
    if client.certificate_count > 0:
        result.client_certificates = client.certificates
        result.client_certificates_total = client.certificate_count


def _key_exchange(result: TLSResult, tls: TLSFacts, hello: ServerHello) -> None:
    if tls.group >= 0:
        result.group = group_name(tls.group)
        result.post_quantum = tls.group in POST_QUANTUM
    dh_bits = tls.dh_bits if tls.dh_bits >= 0 else FFDHE_BITS.get(tls.group, -1)
    if dh_bits >= 0:
        result.dh_bits = dh_bits
        result.post_quantum = False
    if hello.version >= TLS_1_3:
        return
    result.extended_master_secret = hello.extended_master_secret
    name = suite_name(hello.suite)
    if "_CBC_" in name:
        result.encrypt_then_mac = hello.encrypt_then_mac
    if name.startswith("TLS_RSA_"):
        result.post_quantum = False  # the keys are encrypted for the certificate, and no group is agreed on


def _why_none(tls: TLSFacts) -> str:
    hello = tls.server_hello
    if hello is None:
        return NOT_CAPTURED
    if tls.resumed == 1:
        return NOT_SENT
    if tls.server.compressed_with >= 0:
        with_what = COMPRESSIONS.get(int(tls.server.compressed_with))
        return f"compressed with {with_what}: {MISSING}" if with_what else "compressed in a way that is not known here"
    if hello.version >= TLS_1_3:
        return NOT_VISIBLE
    name = suite_name(hello.suite)
    return HAS_NONE if "_anon_" in name or ("_PSK_" in name and "RSA_PSK" not in name) else NOT_CAPTURED


def _of_client(tls: TLSFacts) -> ClientCertificate:
    hello, count = tls.server_hello, tls.client.certificate_count
    if count > 0:
        return "shown"
    if count == 0:
        return "none"
    if hello is None or tls.certificate_asked:
        return "unknown"
    if tls.resumed == 1:
        return "not asked"
    if hello.version >= TLS_1_3:
        return "not asked" if tls.server.certificate_count >= 0 else "not visible"
    return "not asked" if tls.client.spec_changed else "unknown"
