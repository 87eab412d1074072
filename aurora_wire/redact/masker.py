"""Values masked so that what is handed on does not leak again, and equal ones can still be told to be equal.

A masked value has as many bytes as it had: `*`, then letters and digits of a keyed hash of it, then `*` to its
end. The key comes from the bytes of the captures themselves: who has them can make the same report again, who has
only the report cannot try values until one fits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from operator import eq
from pathlib import Path
from typing import Final

from aurora_wire.capture.files.remote import open_stored
from aurora_wire.redact.answers import redact_answer, redact_error
from aurora_wire.redact.groups import redact_groups, shown_fingerprint
from aurora_wire.redact.keyed_hash import KeyedHash, is_right
from aurora_wire.redact.sql import NAME_COMMANDS, SQL_COMMANDS, masked_text, redact_attributes, redact_sql
from aurora_wire.verdict.result import (
    ConnectionResult,
    CredentialResult,
    FileResult,
    Parameter,
    ProxyResult,
    RefusalResult,
    Scan,
    StatementResult,
    TLSResult,
)
from aurora_wire.verdict.statement_list import StatementList
from aurora_wire.verdict.stream_result import ReplicationResult

SHOWN: Final = 8  # characters of the hash
# A byte of the hash gives five bits: 40 in all.
ALPHABET: Final = (b"abcdefghijklmnopqrstuvwxyz234567" * 8)
CHANCE: Final = 0x38  # an 8: not in ALPHABET
PURPOSE: Final = b"aurora-wire/redaction/1"

# Values of which both ways have to make the same: as long as one, a half and a whole block.
SAMPLES: Final = (b"12", b"4111111111111111", bytes(range(64)), bytes(range(128, 256)))

_MASKED: Final = re.compile(rb"\*+")


def key_of_captures(case_id: str, captures: Sequence[str | Path]) -> bytes:
    """Return the key of a case, 32 bytes: from its id and all bytes of its captures in their order."""
    digest = hmac.new(PURPOSE, case_id.encode("utf-8", "surrogateescape") + b"\0", hashlib.sha256)
    for path in captures:
        with open_stored(os.fspath(path)) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.digest()


class Masker:
    """Masks under one key. Equal values become equal, different ones different (but by chance, or if short)."""

    def __init__(self, key: bytes) -> None:
        self._hash = blake2b(digest_size=SHOWN, key=key)  # the key is read once
        self.keyed = self._keyed(key)  # the same, for who asks a million times
        self._token = lru_cache(maxsize=1 << 14)(self.token)

    def _keyed(self, key: bytes) -> KeyedHash | None:
        """Return the core's own hash where it is compiled, and gives the tokens that hashlib gives."""
        if not key or not is_right():
            return None
        keyed = KeyedHash(key)
        return keyed if all(keyed.token(sample) == self.token(sample) for sample in SAMPLES) else None

    def value(self, value: bytes) -> bytes:
        """Return a mask of a value: as many bytes, printable ASCII."""
        return self._token(value)

    def token(self, value: bytes) -> bytes:
        """Return the mask, made anew: for callers that remember values. One hash each, as millions are asked for.

        A byte that is by chance the one that stood there becomes an 8, which no other byte does: so what differs from
        the original is what is masked, and nothing of a value is left in its place.
        """
        size = len(value)
        if size < 2:
            return b"*" * size
        of_value = self._hash.copy()
        of_value.update(value)
        made = (b"*" + of_value.digest().translate(ALPHABET) + b"*" * size)[:size]
        start, shown = value[1 : SHOWN + 1], made[1 : SHOWN + 1]
        if any(map(eq, start, shown)):
            shown = bytes(CHANCE if one == two else two for one, two in zip(start, shown, strict=True))
            made = made[:1] + shown + made[SHOWN + 1 :]
        return made

    def sql(self, sql: bytes) -> bytes:
        """Mask the literals and comments of a statement one by one; its length stays."""
        shown = redact_sql(sql)
        if shown == sql:
            return sql
        return _MASKED.sub(lambda run: self._run(sql[run.start() : run.end()]), shown)

    def _run(self, original: bytes) -> bytes:
        return original if original.strip(b"*") == b"" else self.value(original)

    def text(self, text: str) -> str:
        """Return a replacement for a name, of the same length in characters."""
        masked = self.value(text.encode("utf-8", "surrogateescape")).decode("ascii")
        return masked[: len(text)]

    def statement(self, statement: StatementResult) -> StatementResult:
        if statement.command in SQL_COMMANDS:
            sql = masked_text(statement, self.sql)
        elif statement.command in NAME_COMMANDS:
            sql = statement.sql
        else:
            sql = self.value(statement.sql)
        parameters = [Parameter(p.type, self.sql(p.value), p.name) for p in statement.parameters]
        result = statement.result
        if result is not None:
            result = redact_answer(result, sql)
        made = shown_fingerprint(statement.fingerprint, redact=True)
        return replace(statement, sql=sql, parameters=parameters, result=result, raw=None, fingerprint=made)

    def connection(self, connection: ConnectionResult) -> ConnectionResult:
        """Mask a connection: its users, credentials, statements, and what the application says of itself."""
        attributes = {
            name: shown if shown == connection.attributes[name] else self.text(connection.attributes[name])
            for name, shown in redact_attributes(connection).items()
        }
        return replace(
            connection,
            user=self._name(connection.user),
            attributes=attributes,
            users_after=[self.text(user) for user in connection.users_after],
            proxy=None if connection.proxy is None else self._proxy(connection.proxy),
            tls=None if connection.tls is None else self._tls(connection.tls),
            replication=None if connection.replication is None else self._replication(connection.replication),
            credentials=[self._credential(one) for one in connection.credentials],
            errors=[redact_error(one) for one in connection.errors],
            files=[self._file(one) for one in connection.files],
            refusal=None if connection.refusal is None else self._refusal(connection.refusal),
            statements=StatementList(connection.statements, self.statement) if connection.statements else [],
        )

    def _proxy(self, proxy: ProxyResult) -> ProxyResult:
        """Mask names and ids; addresses are those of the capture that is handed on."""
        return replace(
            proxy, unique_id=self._name(proxy.unique_id), authority=self._name(proxy.authority),
            endpoint=self._name(proxy.endpoint), tls_common_name=self._name(proxy.tls_common_name),
        )  # fmt: skip

    def _name(self, name: str | None) -> str | None:
        return None if name is None else self.text(name)

    def _replication(self, one: ReplicationResult) -> ReplicationResult:
        return replace(one, host=self._name(one.host), user=self._name(one.user))

    def _credential(self, credential: CredentialResult) -> CredentialResult:
        return replace(credential, user=self._name(credential.user), line=None, value=None)

    def _file(self, file: FileResult) -> FileResult:
        statement = None if file.statement is None else self.sql(file.statement)
        return replace(file, path=self.text(file.path), statement=statement)

    def _refusal(self, refusal: RefusalResult) -> RefusalResult:
        """Mask what a server's ERR quotes: names of users and hosts."""
        return replace(refusal, text=self.sql(refusal.text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace"))

    def _tls(self, tls: TLSResult) -> TLSResult:
        if tls.client_certificates:
            tls = replace(tls, client_certificates=[b""] * len(tls.client_certificates))  # it says who the client is
        decrypted = tls.decrypted
        if decrypted is None:
            return tls
        masked = replace(
            decrypted,
            user=self._name(decrypted.user),
            statements=StatementList(decrypted.statements, self.statement) if decrypted.statements else [],
        )
        return replace(tls, decrypted=masked)

    def scan(self, scan: Scan) -> Scan:
        """Return a copy to be handed on."""
        connections = [self.connection(one) for one in scan.connections]
        return replace(scan, connections=connections, groups=redact_groups(scan))
