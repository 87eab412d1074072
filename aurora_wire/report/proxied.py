"""What a PROXY header says of a connection, in words that the text and HTML reports share: to be escaped."""

from __future__ import annotations

from aurora_wire.verdict.result import ConnectionResult, ProxyResult


def summarise_proxy(proxy: ProxyResult) -> str:
    """Return `for 203.0.113.7, who asked for db.example.com; TLS in front of it (TLSv1.3 ...)`."""
    if proxy.local:
        return "the proxy itself, a health check"
    parts = [f"for {proxy.client.address}" if proxy.client is not None else "for a client that it does not name"]
    if proxy.authority:
        parts.append(f"who asked for {proxy.authority}")
    if proxy.endpoint:
        parts.append(f"by the private endpoint {proxy.endpoint}")
    words = ", ".join(parts)
    if proxy.tls is not None:
        kind = " ".join(part for part in (proxy.tls_version, proxy.tls_cipher) if part)
        named = f", certificate of {proxy.tls_common_name}" if proxy.tls_common_name else ""
        inside = f" ({kind}{named})" if kind or named else ""
        words += f"; TLS in front of the proxy, as it says{inside}" if proxy.tls else "; no TLS in front of the proxy"
    return words


def describe_host(connection: ConnectionResult) -> str:
    """Return the host that a connection is for; behind a proxy that named it, with the proxy's own."""
    real, own = connection.real_client, connection.client.address
    return own if real == own else f"{real} (by {own})"
