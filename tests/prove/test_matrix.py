"""What a cell says follows from the capture: each doubt weakens it, and a client's words alone prove nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aurora_wire.cli.prove import list_clients, only_if_installed
from aurora_wire.errors import UsageError
from aurora_wire.prove import run as prove_run
from aurora_wire.prove.canary import Sighting
from aurora_wire.prove.cell import Agreement, Cell, Result, judge_cell, without_run
from aurora_wire.prove.cipher_names import same_cipher
from aurora_wire.prove.drivers.driver import ErrorKind, Failure, Mode, Outcome
from aurora_wire.prove.drivers.registry import names
from aurora_wire.prove.matrix import Matrix
from aurora_wire.prove.observation import ConnectionSeen, FrameShown, Observation, StatementSeen, from_json, to_json
from aurora_wire.prove.run import ProveOptions
from aurora_wire.report import prove_json as matrix_json
from aurora_wire.report.text import prove as matrix_text
from aurora_wire.report.wording import Style
from tests.report.schemas import valid

CANARY = "canary-q7m2xk9c4tvz6hpw3ybn"
SQL = f"INSERT INTO t (body) VALUES ('{CANARY}-text')"
CIPHER = "TLS_AES_256_GCM_SHA384"
INSERT = StatementSeen("COM_QUERY", SQL, 19, 474)
SHOWN = FrameShown(19, 1_700_000_000_000_000_000, b"E\0\0\x20" + SQL.encode(), ((34, 61),))

PLAIN = ConnectionSeen(
    "10.0.0.1:50000", "10.0.0.2:3306", "plaintext", "proven", None, server_version="11.4.2-MariaDB", thread_id=7,
    in_clear=(INSERT,),
)  # fmt: skip
SEALED = ConnectionSeen(
    "10.0.0.1:50000", "10.0.0.2:3306", "encrypted", "proven", "key log", server_version="11.4.2-MariaDB",
    thread_id=7, tls_version="TLSv1.3", tls_cipher=CIPHER, inside=(INSERT,),
)  # fmt: skip
IN_CLEAR = Observation(
    "live on lo", 40, connections=(PLAIN,), sightings=(Sighting("as it is", 19, "client", 500),), shown=SHOWN,
)  # fmt: skip
SEALED_SHOWN = replace(SHOWN, data=b"E" + b"\x9c" * 80, marks=())
IN_TLS = Observation("live on lo", 40, connections=(SEALED,), shown=SEALED_SHOWN)


def outcome(mode: Mode, *, tls: bool, **more: object) -> Outcome:
    done = Outcome(
        "pymysql", mode, "asked", "PyMySQL 1.2.4", "11.4.2-MariaDB", connected=True, connection_id=7,
        tls_version="TLSv1.3" if tls else "", tls_cipher=CIPHER if tls else "",
        rows=(f"{CANARY}-text", f"{CANARY}-prepared"), sql=(SQL,),
    )  # fmt: skip
    for name, value in more.items():
        setattr(done, name, value)
    return done


def judged(said: Outcome, evidence: Observation, **how: object) -> Cell:
    return judge_cell("pymysql", said, evidence, CANARY, **how)  # type: ignore[arg-type]


def test_plaintext_is_proven_by_the_canary_in_a_decoded_statement() -> None:
    cell = judged(outcome(Mode.OFF, tls=False), IN_CLEAR)
    assert (cell.result, cell.verdict, cell.confidence) == (Result.PLAINTEXT, "plaintext", "proven")
    assert (cell.in_clear[0].frame, cell.in_clear[0].offset) == (19, 474)
    assert cell.agreement == Agreement.SAME
    assert cell.as_promised


def test_encrypted_is_proven_twice_over_with_the_insert_inside() -> None:
    cell = judged(outcome(Mode.VERIFY_IDENTITY, tls=True), IN_TLS, keys_written=True)
    assert (cell.result, cell.verdict, cell.confidence) == (Result.TLS, "encrypted", "proven")
    assert len(cell.proof) == 3
    assert cell.as_promised


def test_encrypted_is_proven_without_a_key_log_where_the_session_is_the_captured_one() -> None:
    evidence = replace(IN_TLS, connections=(replace(SEALED, inside=(), proof="structure"),))
    cell = judged(outcome(Mode.REQUIRED, tls=True), evidence)
    assert cell.confidence == "proven"
    assert cell.proof == ["structure", "canary in no captured byte"]


DOUBTS = {
    "packets were lost": (replace(IN_TLS, dropped=3), {}),
    "the capture ended by itself": (replace(IN_TLS, failure="eth0: the interface is gone."), {}),
    "a gap": (replace(IN_TLS, connections=(replace(SEALED, confidence="likely", reasons=("a gap",)),)), {}),
    "the canary did not come back": (IN_TLS, {"rows": ()}),
    "another session, nothing opened": (
        replace(IN_TLS, connections=(replace(SEALED, inside=(), thread_id=8),)), {}),
    "session unknown, nothing opened": (
        replace(IN_TLS, connections=(replace(SEALED, inside=()),)), {"connection_id": None}),
    "no greeting": (replace(IN_TLS, connections=(replace(SEALED, server_version=None),)), {}),
}  # fmt: skip


@pytest.mark.parametrize("doubt", list(DOUBTS))
def test_every_doubt_keeps_encrypted_from_being_proven(doubt: str) -> None:
    evidence, said = DOUBTS[doubt]
    cell = judged(outcome(Mode.REQUIRED, tls=True, **said), evidence)
    assert (cell.result, cell.confidence) == (Result.TLS, "likely")
    assert cell.reasons
    assert not cell.as_promised


def test_a_canary_seen_earlier_through_the_same_capture_is_a_positive_control_too() -> None:
    blind = replace(IN_TLS, connections=(replace(SEALED, server_version=None),))
    cell = judged(outcome(Mode.REQUIRED, tls=True), blind, control_before="the canary of pymysql, mode off")
    assert cell.confidence == "proven"
    assert cell.control == "the canary of pymysql, mode off"


@pytest.mark.parametrize("form", ["as it is", "compressed, as it is", "in base64"])
def test_a_canary_anywhere_outside_tls_is_never_called_encrypted(form: str) -> None:
    evidence = replace(IN_TLS, sightings=(Sighting(form, 12, "server", 300),))
    cell = judged(outcome(Mode.REQUIRED, tls=True), evidence)
    assert (cell.result, cell.verdict) == (Result.MIXED, "mixed")
    assert form in cell.reasons[0]
    assert not cell.as_promised


def test_tls_that_ends_in_clear_statements_is_mixed() -> None:
    both = replace(SEALED, verdict="mixed", in_clear=(INSERT,))
    cell = judged(outcome(Mode.REQUIRED, tls=True), replace(IN_CLEAR, connections=(both,)))
    assert (cell.result, cell.confidence) == (Result.MIXED, "proven")


def test_a_client_that_falls_back_to_the_clear_breaks_the_promise_of_its_mode() -> None:
    cell = judged(outcome(Mode.REQUIRED, tls=False), IN_CLEAR)
    assert cell.result == Result.PLAINTEXT
    assert not cell.as_promised
    assert judged(outcome(Mode.DEFAULT, tls=False), IN_CLEAR).as_promised  # which promises nothing
    assert not judged(outcome(Mode.OFF, tls=True), IN_TLS).as_promised


PROXIES = {
    "another number": ({"connection_id": 99}, SEALED, "number 99"),
    "TLS here, none there": ({"tls_version": "", "tls_cipher": ""}, SEALED, "session says no TLS"),
    "another cipher": ({"tls_cipher": "TLS_AES_128_GCM_SHA256"}, SEALED, "TLS_AES_128_GCM_SHA256"),
    "another version": ({"tls_version": "TLSv1.2", "tls_cipher": "ECDHE-RSA-AES256-GCM-SHA384"}, SEALED, "TLSv1.2"),
    "none here, TLS there": ({}, replace(PLAIN), "captured was no TLS"),
}  # fmt: skip


@pytest.mark.parametrize("proxy", list(PROXIES))
def test_a_proxy_that_ends_tls_in_between_is_named(proxy: str) -> None:
    said, connection, words = PROXIES[proxy]
    cell = judged(outcome(Mode.REQUIRED, tls=True, **said), replace(IN_TLS, connections=(connection,)))
    assert cell.agreement == Agreement.OTHER
    assert any("a proxy" in reason and words in reason for reason in cell.reasons)
    assert not cell.as_promised


def test_a_session_number_beyond_the_greetings_32_bits_is_the_same_session() -> None:
    cell = judged(outcome(Mode.REQUIRED, tls=True, connection_id=(5 << 32) + 7), IN_TLS)
    assert cell.agreement == Agreement.SAME


def test_ciphers_are_compared_by_what_they_are_not_by_who_names_them() -> None:
    assert same_cipher("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    assert same_cipher("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384") is False
    assert same_cipher("SOMETHING-NEW", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384") is None


ERRORS = {
    ErrorKind.ACCESS_DENIED: Result.REFUSED, ErrorKind.TLS_REQUIRED: Result.REFUSED, ErrorKind.NO_TLS: Result.DECLINED,
    ErrorKind.REFUSED: Result.NOT_REACHED, ErrorKind.NOT_ALLOWED: Result.REFUSED,
    ErrorKind.CERTIFICATE: Result.CERTIFICATE, ErrorKind.NAME_MISMATCH: Result.CERTIFICATE,
    ErrorKind.TIMEOUT: Result.FAILED, ErrorKind.UNKNOWN_HOST: Result.NOT_REACHED, ErrorKind.CLIENT: Result.FAILED,
    ErrorKind.LOST: Result.FAILED, ErrorKind.TLS: Result.TLS_FAILED, ErrorKind.SQL: Result.FAILED,
    ErrorKind.NO_DATABASE: Result.NO_DATABASE,
    ErrorKind.MODE_NOT_AVAILABLE: Result.NOT_AVAILABLE, ErrorKind.NOT_INSTALLED: Result.NOT_INSTALLED,
}  # fmt: skip


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_each_error_has_its_cell_and_the_clients_own_words(kind: ErrorKind) -> None:
    said = Outcome("pymysql", Mode.REQUIRED, error=Failure(kind, "its own words", 1))
    for evidence in (Observation("live on lo"), replace(IN_TLS, connections=(replace(SEALED, inside=()),))):
        cell = judged(said, evidence)
        assert cell.result == ERRORS[kind]
        assert cell.reasons[0] == f"{kind.value}: its own words"
        assert cell.confidence != "proven"
        assert cell.as_promised == (kind == ErrorKind.NO_TLS)


def test_a_server_that_refuses_a_login_without_tls_is_as_good() -> None:
    said = Outcome("pymysql", Mode.OFF, error=Failure(ErrorKind.TLS_REQUIRED, "secure transport required", 3159))
    evidence = replace(IN_CLEAR, connections=(replace(PLAIN, in_clear=()),))
    assert judged(said, evidence).as_promised
    assert not judged(replace(said, mode=Mode.REQUIRED), evidence).as_promised


def test_a_login_that_was_refused_crossed_all_the_same() -> None:
    said = Outcome("pymysql", Mode.OFF, error=Failure(ErrorKind.ACCESS_DENIED, "Access denied", 1045))
    cell = judged(said, replace(IN_CLEAR, connections=(replace(PLAIN, in_clear=()),), sightings=(), shown=None))
    assert (cell.result, cell.verdict) == (Result.REFUSED, "plaintext")
    assert "what crossed was plaintext" in "\n".join(matrix_text.cell_lines(cell, Style()))


def test_a_capture_that_saw_nothing_does_not_take_the_clients_word() -> None:
    cell = judged(outcome(Mode.REQUIRED, tls=True), Observation("live on eth0"))
    assert (cell.result, cell.verdict) == (Result.NOT_SEEN, None)
    assert not cell.as_promised
    assert "not one frame" in cell.reasons[-1]


def test_a_table_that_is_left_is_named() -> None:
    cell = judged(outcome(Mode.OFF, tls=False, table_left="aurora_wire_1"), IN_CLEAR)
    assert any("aurora_wire_1 is still there" in reason for reason in cell.reasons)


def test_among_several_connections_the_session_is_found_by_its_number() -> None:
    other = replace(SEALED, thread_id=6, inside=(), tls_version="TLSv1.2")
    mine = replace(SEALED, inside=())
    evidence = replace(IN_TLS, connections=(other, mine, replace(other, thread_id=9)))
    cell = judged(outcome(Mode.REQUIRED, tls=True), evidence)
    assert (cell.thread_id, cell.tls_version, cell.agreement) == (7, "TLSv1.3", Agreement.SAME)


def test_evidence_survives_its_way_between_processes() -> None:
    for evidence in (IN_CLEAR, IN_TLS, Observation("through a relay", failure="x", note="y")):
        assert from_json(to_json(evidence)) == evidence


def matrix(*cells: Cell, modes: tuple[Mode, ...] = (Mode.OFF, Mode.VERIFY_IDENTITY)) -> Matrix:
    return Matrix(
        "db.example.com", 3306, "app", "shop", "live on lo", list(dict.fromkeys(cell.client for cell in cells)),
        list(modes), list(cells),
    )  # fmt: skip


def good() -> Matrix:
    return matrix(
        judged(outcome(Mode.OFF, tls=False), IN_CLEAR),
        judged(outcome(Mode.VERIFY_IDENTITY, tls=True), IN_TLS, keys_written=True),
    )


def test_the_exit_code_is_0_only_when_every_cell_came_out_as_promised() -> None:
    whole = good()
    assert whole.exit_code == 0
    whole.modes.append(Mode.REQUIRED)  # never tried
    assert whole.exit_code == 3
    missing = without_run("mysql", Mode.OFF, Result.NOT_INSTALLED, "not installed")
    assert matrix(missing, modes=(Mode.OFF,)).exit_code == 3
    assert matrix(judged(outcome(Mode.OFF, tls=True), IN_TLS), modes=(Mode.OFF,)).exit_code == 3


def test_the_exit_code_is_1_where_something_crossed_in_the_clear_that_should_not() -> None:
    fallen_back = judged(outcome(Mode.REQUIRED, tls=False), IN_CLEAR)
    assert matrix(fallen_back, modes=(Mode.REQUIRED,)).exit_code == 1
    said = Outcome("pymysql", Mode.REQUIRED, error=Failure(ErrorKind.ACCESS_DENIED, "Access denied", 1045))
    login_only = judged(said, replace(IN_CLEAR, connections=(replace(PLAIN, in_clear=()),)))
    both = matrix(fallen_back, login_only, modes=(Mode.REQUIRED, Mode.VERIFY_CA))
    assert both.exit_code == 1
    assert "2 of 2 cells crossed in the clear in modes that promise TLS." in list(matrix_text.render(both, Style(100)))


def test_the_text_shows_the_matrix_and_the_same_insert_twice() -> None:
    text = "\n".join(matrix_text.render(good(), Style(100)))
    assert "pymysql  PLAINTEXT  TLSv1.3 AES-256-GCM" in text
    assert "frame 19, offset 474, COM_QUERY in the clear: INSERT" in text
    assert "inside TLS, decrypted with the client's key log: INSERT" in text
    assert "pymysql: PyMySQL 1.2.4" in text
    assert "server    11.4.2-MariaDB" in text
    assert text.index("pymysql, off: readable") < text.index("pymysql, verify-identity: not readable")
    assert "INSERT.INTO." in text
    assert text.endswith("2 of 2 cells came out as their mode promises.")


def test_a_wide_terminal_shows_both_dumps_beside_each_other() -> None:
    lines = list(matrix_text.render(good(), Style(160, color=True)))
    beside = [line for line in lines if "readable" in line and "not readable" in line]
    assert len(beside) == 1
    plain = [matrix_text.COLOURS.sub("", line) for line in lines]
    assert any(line.count("0x0010:") == 2 for line in plain)
    assert max(map(len, plain)) <= 160


def test_on_a_narrow_terminal_the_matrix_wraps_the_ciphers() -> None:
    lines = list(matrix_text.render(good(), Style(36)))
    assert "pymysql  PLAINTEXT  TLSv1.3 AES-256-" in lines


def test_what_comes_from_the_wire_and_from_clients_is_escaped() -> None:
    evil = "\x1b[31m\nFAKE \u202e"
    connection = replace(PLAIN, server_version=evil, in_clear=(replace(INSERT, sql=f"INSERT {evil}", command=evil),))
    said = outcome(Mode.OFF, tls=False, server_version=evil, version=evil, asked=evil, connection_type=evil)
    said.error = Failure(ErrorKind.SQL, evil)
    one = matrix(judged(said, replace(IN_CLEAR, connections=(connection,))), modes=(Mode.OFF,))
    text = "\n".join(matrix_text.render(one, Style(100)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\nFAKE" not in text


def test_json_says_the_same() -> None:
    said = valid("prove", matrix_json.render(good()))
    assert said["schema"] == "aurora-wire/prove/1"
    assert said["exit_code"] == 0
    off, identity = said["cells"]
    assert off["canary_in_clear"][0] == {
        "command": "COM_QUERY", "sql": SQL, "frame": 19, "offset": 474, "compressed": False,
    }  # fmt: skip
    assert bytes.fromhex(off["insert_frame"]["ip_hex"]) == SHOWN.data
    assert identity["tls"] == {"version": "TLSv1.3", "cipher": CIPHER}
    assert identity["session"]["agreement"] == "same session"
    assert identity["canary_inside_tls"]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("TLS_AES_256_GCM_SHA384", "AES-256-GCM"),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "AES-128-CBC"),
        ("TLS_CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
        ("", ""),
    ],
)
def test_ciphers_are_shortened_for_the_matrix(name: str, short: str) -> None:
    assert matrix_text.short_cipher(name) == short


def test_a_password_that_crossed_is_said_whatever_the_cell_is() -> None:
    said = Outcome("pymysql", Mode.OFF, error=Failure(ErrorKind.ACCESS_DENIED, "Access denied", 1045))
    cell = judged(said, replace(IN_CLEAR, password_frame=9))
    assert "the password itself crossed in the clear: frame 9" in cell.reasons
    assert matrix_json.cell_fields(cell)["password_in_clear"] == {"frame": 9}


def test_all_means_those_that_are_installed_and_every_the_others_too() -> None:
    assert only_if_installed(["all"]) == frozenset(names())
    assert "pymysql" not in only_if_installed(["all", "pymysql"])
    assert only_if_installed(["every"]) == only_if_installed(["all", "every"]) == only_if_installed([]) == frozenset()
    assert list_clients(["all"]) == list_clients(["every"]) == names()


class _Ghost:
    """A client that is nowhere."""

    version = ""
    how_to_get = "apt install ghost"

    def find(self) -> None:
        return None


@pytest.mark.parametrize(("left_out", "clients"), [(frozenset(), ["one", "two"]), (frozenset({"two"}), ["one"])])
def test_a_client_that_is_not_installed_is_left_out_where_all_was_asked_for(
    left_out: frozenset[str], clients: list[str]
) -> None:
    wanted = ProveOptions("h", 3306, "u", "p", "d", ["one", "two"], [Mode.OFF], if_installed=left_out)
    watcher = cast(Any, SimpleNamespace(how="relay"))
    ghosts = cast(Any, {"one": _Ghost(), "two": _Ghost()})
    matrix = prove_run._matrix(wanted, ghosts, watcher, "", None, lambda _: None, None)
    assert matrix.clients == clients
    assert {cell.result for cell in matrix.cells} == {Result.NOT_INSTALLED}


def test_where_no_client_is_installed_that_is_said() -> None:
    wanted = ProveOptions("h", 3306, "u", "p", "d", ["one"], [Mode.OFF], if_installed=frozenset({"one"}))
    watcher = cast(Any, SimpleNamespace(how="relay"))
    with pytest.raises(UsageError, match="no client is installed here"):
        prove_run._matrix(wanted, cast(Any, {"one": _Ghost()}), watcher, "", None, lambda _: None, None)
