"""What an audit makes of a server's words, without a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from aurora_wire.posture.audit import NOT_KEPT, AuditResult, _read_settings
from aurora_wire.posture.database import Database
from aurora_wire.posture.target import Target
from tests.posture.results import NOW


@dataclass
class Answers:
    """Answers each SHOW with the same rows."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def pairs(self, sql: str) -> list[tuple[str, str]]:
        assert sql.startswith("SHOW ")
        return self.rows


def settings_of(*rows: tuple[str, str]) -> dict[str, str]:
    found = AuditResult(Target("db"), NOW)
    _read_settings(found, cast("Database", Answers(list(rows))))
    return {each.name: each.value for each in found.settings}


def test_a_variable_that_is_a_secret_is_not_kept() -> None:
    found = settings_of(
        ("ssl_passphrase", "hunter2"), ("SSL_PASSPHRASE", ""), ("some_ssl_password", "hunter3"), ("old_passwords", "0"),
        ("ssl_key", "/etc/mysql/key.pem"),
    )  # fmt: skip
    assert found == {
        "ssl_passphrase": NOT_KEPT, "SSL_PASSPHRASE": "", "some_ssl_password": NOT_KEPT, "old_passwords": "0",
        "ssl_key": "/etc/mysql/key.pem",
    }  # fmt: skip


def test_variables_of_performance_schema_are_none_of_tls() -> None:
    assert settings_of(("performance_schema_tls_x", "1"), ("tls_version", "TLSv1.3")) == {"tls_version": "TLSv1.3"}
