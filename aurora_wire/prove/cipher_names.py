"""Servers name a cipher as OpenSSL does (`ECDHE-RSA-AES256-GCM-SHA384`), captures as IANA does: are they one?"""

from __future__ import annotations

import ssl
from functools import cache
from typing import Final

from aurora_wire.wire.tls.suite_strength import suite_name

LIST: Final = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@cache
def openssl_names() -> dict[str, str]:
    """Return IANA's name by OpenSSL's, of the suites that this Python's OpenSSL knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.set_ciphers(LIST)
    except ssl.SSLError:
        return {}
    return {str(one["name"]): suite_name(int(one["id"]) & 0xFFFF) for one in context.get_ciphers()}


def same_cipher(session: str, captured: str) -> bool | None:
    """Return None if the session's name is not one that can be compared."""
    if session == captured:
        return True
    name = openssl_names().get(session)
    return None if name is None else name == captured
