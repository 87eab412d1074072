"""Records the captures in `depth` again: `python captures/depth.py [NAME ...]`, as root.

Each is what one client did with a private server that is started for it, live on the loopback, with the truth beside
it: what the client sent and what it was given, as it says itself. Servers: as `make judges` gets them.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

import pymysql  # noqa: E402

from aurora_wire.capture.live.bpf import port_filter  # noqa: E402
from aurora_wire.capture.live.ring import LiveCapture  # noqa: E402
from aurora_wire.prove.observers import MAX_HELD, LiveObserver  # noqa: E402
from aurora_wire.prove.reassemble import Frame  # noqa: E402
from captures.record import anonymous  # noqa: E402
from captures.x_client import ERROR, XClient  # noqa: E402
from tests.free_ports import pick_port  # noqa: E402
from tests.real.certificates import Certificates  # noqa: E402
from tests.real.servers import (  # noqa: E402
    APP,
    DATABASE,
    HOST,
    MariaDB,
    MariaDB11,
    MySQL,
    Server,
    quiet_environment,
)

FOLDER = HERE / "depth"
Truth = dict[str, Any]
MOST = {"clone": 130_000}  # bytes kept of a recording's frames: the data folder has some 60 MB

KINDS = (
    "CREATE TABLE kinds (id BIGINT PRIMARY KEY, u BIGINT UNSIGNED, d DOUBLE, f FLOAT, n DECIMAL(12,4), s VARCHAR(40), "
    "b VARBINARY(8), da DATE, dt DATETIME(6), ti TIME(6), y YEAR, e ENUM('red','green'), st SET('a','b','c'), nn INT)"
)
ROWS = (
    "INSERT INTO kinds VALUES (-7, 18446744073709551615, 1.5, 0.5, -12.34, 'alice@example.com', 0x00ff, '2024-02-29', "
    "'2024-02-29 12:34:56.789012', '-838:59:58.999', 2024, 'green', 'a,c', NULL), "
    "(8, 0, -2.25, 4, 0.0001, '', '', '0001-01-01', '2000-01-01 01:00:00', '12:00:00', 1901, 'red', '', 3)"
)
SHOWN = [
    ["-7", "18446744073709551615", "1.5", "0.5", "-12.3400", "alice@example.com", "\0\u00ff", "2024-02-29",
     "2024-02-29 12:34:56.789012", "-838:59:58.999000", "2024", "green", "a,c", None],
    ["8", "0", "-2.25", "4", "0.0001", "", "", "0001-01-01", "2000-01-01 01:00:00", "12:00:00", "1901",
     "red", "", "3"],
]  # fmt: skip


class XMySQL(MySQL):
    """MySQL with X Protocol, and a binary log that replicas can ask for."""

    x_port = 0

    def program(self) -> list[str]:
        self.x_port = self.x_port or pick_port()
        return [
            *self._base(), f"--mysqlx-port={self.x_port}", f"--mysqlx-bind-address={HOST}",
            f"--mysqlx-socket={self.folder}/x", "--log-bin=log", "--server-id=9", "--innodb-flush-log-at-trx-commit=0",
            "--session-track-gtids=OWN_GTID", "--session-track-schema=ON",
        ]  # fmt: skip


class LoggingMariaDB(MariaDB):
    """MariaDB with a binary log that replicas can ask for."""

    options = ("--log-bin=log", "--server-id=10", "--binlog-format=ROW", "--binlog-annotate-row-events=ON")


class LoggingMariaDB11(MariaDB11):
    """The newest MariaDB, the same way."""

    kind = "mariadb11"
    options = LoggingMariaDB.options


class Beginning(LiveObserver):
    """Keeps the first frames, of `most` bytes together."""

    most = MAX_HELD

    def keep(self, frame: Frame) -> None:
        self.most -= len(frame.data)
        if self.most >= 0:
            super().keep(frame)


def connect(server: Server) -> Any:
    return pymysql.connect(
        host=HOST, port=server.port, user=APP.user, password=APP.password, database=DATABASE, local_infile=True,
        ssl_disabled=True, autocommit=True,
    )  # fmt: skip


def asked(connection: Any, *statements: str) -> list[Truth]:
    """Ask for each statement; return what the client was given."""
    told: list[Truth] = []
    for sql in statements:
        one: Truth = {"sql": sql}
        with connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                one["columns"] = [each[0] for each in cursor.description or []]
                one["rows"] = len(cursor.fetchall())
            except pymysql.MySQLError as error:
                one["error"] = error.args[0]
        told.append(one)
    return told


# What is recorded: NAME_of(server) does it, and returns what is true of it.


def x_results(server: XMySQL) -> Truth:
    """X Protocol: values of all types, errors, several results, OUT parameters, a cursor, what is not waited for."""
    x = XClient((HOST, server.x_port))
    x.log_in(APP.user, APP.password, DATABASE)
    told: list[Truth] = []
    for sql, more in (
        (KINDS, {}), (ROWS, {"affected": 2}), ("SELECT * FROM kinds", {"rows": 2, "values": SHOWN}),
        ("UPDATE kinds SET nn = 5 WHERE id < 100", {"affected": 2}),
        ("INSERT INTO kinds (id) VALUES (-7)", {"error": 1062}),
        ("SELECT 1/0", {"rows": 1, "warnings": 1}),
        ("CREATE PROCEDURE both_of() BEGIN SELECT id FROM kinds; SELECT s FROM kinds; END", {}),
        ("CALL both_of()", {"rows": 4}),
    ):  # fmt: skip
        answer = x.sql(sql)
        if ("error" in more) != (answer[-1][0] == ERROR):
            raise RuntimeError(f"{sql}: {answer[-1]}")
        told.append({"sql": sql, **more})
    x.cursor("SELECT s FROM kinds ORDER BY id", 1)
    told.append({"sql": "SELECT s FROM kinds ORDER BY id", "command": "CursorOpen", "rows": 2})
    x.send(*((12, x.statement(sql)) for sql in ("SELECT 'one'", "SELECT nope", "SELECT 'three'")))
    for _ in range(3):
        x.answer()
    told += [{"sql": "SELECT 'one'", "rows": 1}, {"sql": "SELECT nope", "error": 1054}]
    told += [{"sql": "SELECT 'three'", "rows": 1}]
    x.sql("DROP TABLE kinds")
    x.close()
    return {"protocol": "X Protocol", "statements": told}


def results(server: Server) -> Truth:
    """Classic results: text and binary rows, several results, errors with values in them."""
    connection = connect(server)
    told = asked(
        connection, KINDS, ROWS, "SELECT id, s, n FROM kinds", "INSERT INTO kinds (id) VALUES (-7)",
        "SELECT s FROM kinds WHERE id = 99",
    )  # fmt: skip
    sql = "SELECT id, s FROM kinds"
    connection._execute_command(0x16, sql)  # COM_STMT_PREPARE, which this client does not do by itself
    statement = struct.unpack_from("<I", connection._read_packet()._data, 1)[0]
    for _ in range(3):
        connection._read_packet()  # two definitions, EOF
    connection._execute_command(0x17, struct.pack("<IBI", statement, 0, 1))
    rows = ends = 0
    connection._read_packet()
    while ends < 2:
        packet = connection._read_packet()
        ends += packet.is_eof_packet()
        rows += ends == 1 and not packet.is_eof_packet()
    told.append({"sql": sql, "command": "COM_STMT_EXECUTE", "columns": ["id", "s"], "rows": rows})
    told += asked(connection, "DROP TABLE kinds")
    connection.close()
    return {"statements": told}


def replication(server: Server) -> Truth:
    """A replica's connection: it registers with a password, and is sent statements and rows."""
    log = server.sql("SHOW BINARY LOGS").split("\n")[-2].split("\t")
    before = server.sql("SELECT @@global.gtid_binlog_pos" if server.kind != "mysql" else "SELECT 1")
    server.sql(
        "USE shop; CREATE TABLE people (id INT PRIMARY KEY, email VARCHAR(40)); "
        "INSERT INTO people VALUES (1, 'alice@example.com'), (2, 'bob@example.com'); "
        "UPDATE people SET email = 'carol@example.com' WHERE id = 2; DELETE FROM people WHERE id = 1; DROP TABLE people"
    )
    connection = connect(server)
    asked(connection, "SET @master_binlog_checksum = 'NONE'", "SET @source_binlog_checksum = 'NONE'")
    if server.kind != "mysql":
        asked(connection, "SET @mariadb_slave_capability = 4", f"SET @slave_connect_state = '{before.strip()}'")
    host, user, password = b"replica-1", b"repl", b"Repl-Secret-4"
    told = b"".join(bytes([len(one)]) + one for one in (host, user, password))
    connection._execute_command(0x15, struct.pack("<I", 77) + told + struct.pack("<HII", 3307, 0, 0))
    connection._read_packet()
    name, position = log[0].encode(), int(log[1])
    flags = 1 | (2 if server.kind != "mysql" else 0)  # up to the end of the log; with annotations
    connection._execute_command(0x12, struct.pack("<IHI", position, flags, 77) + name)
    while not connection._read_packet().is_eof_packet():
        pass
    connection.close()
    return {
        "replica": {"server_id": 77, "host": "replica-1", "user": "repl", "password": "Repl-Secret-4"},
        "tables": {f"{DATABASE}.people": {"inserted": 2, "updated": 1, "deleted": 1}},
    }


def infile(server: Server) -> Truth:
    """LOAD DATA LOCAL: a file of the client crosses."""
    with tempfile.NamedTemporaryFile("w", prefix="people-", suffix=".csv") as file:
        file.write("1,alice@example.com\n2,bob@example.com\n")
        file.flush()
        connection = connect(server)
        asked(connection, "CREATE TABLE people (id INT, email VARCHAR(40))")
        asked(connection, f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE people FIELDS TERMINATED BY ','")
        asked(connection, "DROP TABLE people")
        connection.close()
        return {"file": {"name": file.name, "bytes": 38}}


def credentials(server: Server) -> Truth:
    """A login, COM_CHANGE_USER, and passwords in statements."""
    connection = connect(server)
    asked(
        connection, "CREATE USER second@'%' IDENTIFIED BY 'Second-Secret-5'",
        "SET PASSWORD FOR second@'%' = 'Third-Secret-6'",
        "DROP USER second@'%'",
    )  # fmt: skip
    connection.close()
    return {"secrets": ["Second-Secret-5", "Third-Secret-6"], "user": APP.user}


def character_sets(server: Server) -> Truth:
    """Statements in gbk and latin1, and a schema that changes: what they read as."""
    connection = connect(server)
    told: list[Truth] = []
    texts = (("gbk", "gbk", "价格 '表'"), ("latin1", "cp1252", "Müller £"), ("utf8mb4", "utf-8", "数据"))
    for charset, codec, text in texts:
        connection._execute_command(3, f"SET NAMES {charset}")
        connection._read_ok_packet()
        sql = "SELECT '{}' AS c".format(text.replace("'", "''"))
        connection._execute_command(3, sql.encode(codec))
        ends = 0
        while ends < 2:
            ends += connection._read_packet().is_eof_packet()
        told.append({"sql": sql, "columns": ["c"], "rows": 1})
    asked(connection, "USE performance_schema" if server.kind == "mysql" else "USE information_schema")
    connection.close()
    return {"statements": told}


def refused(server: Server) -> Truth:
    """A server that has too many connections answers with an ERR in place of its greeting."""
    before = server.sql("SELECT @@global.max_connections").strip()
    limit = "1" if server.kind == "mysql" else "10"
    server.sql(f"SET GLOBAL max_connections = {limit}")
    held = []
    code = 0
    try:
        for _ in range(int(limit) + 5):
            held.append(connect(server))
    except pymysql.MySQLError as error:
        code = error.args[0]
    for one in held:
        one.close()
    server.sql(f"SET GLOBAL max_connections = {before}")
    return {"refusal": code}


def compressed(server: Server, *options: str) -> Truth:
    """The server's own command line over the compressed protocol: statements, their rows, an error."""
    statements = (
        "CREATE TABLE notes (id INT PRIMARY KEY, body VARCHAR(4000))",
        "INSERT INTO notes VALUES (1, REPEAT('compressed words of Carol, 4111111111111111. ', 60))",
        "SELECT id, body FROM notes", "INSERT INTO notes VALUES (1, 'again')", "DROP TABLE notes",
    )  # fmt: skip
    done = subprocess.run(  # noqa: S603
        [*server.client(), "--no-defaults", "-h", HOST, "-P", str(server.port), "-u", APP.user,
         f"--password={APP.password}", "--force", "--batch", "--protocol=tcp", *options, DATABASE],
        input=";\n".join([*statements, ""]).encode(), capture_output=True, env=quiet_environment(), check=False,
    )  # fmt: skip
    shown, refused = done.stdout.decode().splitlines(), done.stderr.decode()
    if not shown or "ERROR 1062" not in refused:
        raise RuntimeError(refused)
    told: list[Truth] = [{"sql": sql} for sql in statements]
    told[2] |= {"columns": shown[0].split("\t"), "rows": len(shown) - 1}
    told[3]["error"] = 1062
    return {"compressed": options[-1].lstrip("-"), "statements": told}


def zlib(server: Server) -> Truth:
    """The server's own command line with packets compressed by zlib."""
    if server.kind == "mysql":
        return compressed(server, "--ssl-mode=DISABLED", "--get-server-public-key", "--compression-algorithms=zlib")
    return compressed(server, "--skip-ssl", "--compress")


def zstd(server: Server) -> Truth:
    """The server's own command line with packets compressed by zstd."""
    return compressed(server, "--ssl-mode=DISABLED", "--get-server-public-key", "--compression-algorithms=zstd")


def clone(server: MySQL) -> Truth:
    """CLONE: the beginning of what another server is given of a data folder."""
    server.sql("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
    other = MySQL(server.certificates)
    try:
        other.start()
        other.sql("INSTALL PLUGIN clone SONAME 'mysql_clone.so'")
        other.sql("SET GLOBAL clone_autotune_concurrency = OFF, GLOBAL clone_max_concurrency = 1")
        other.sql(f"SET GLOBAL clone_valid_donor_list = '{HOST}:{server.port}'")
        copy = other.folder / "shown" / "copy"
        copy.parent.chmod(0o777)
        other.sql(
            f"CLONE INSTANCE FROM '{APP.user}'@'{HOST}':{server.port} IDENTIFIED BY '{APP.password}' "
            f"DATA DIRECTORY = '{copy}' REQUIRE NO SSL"
        )
        network = other.sql("SELECT SUM(network) FROM performance_schema.clone_progress").strip()
        plugins = server.sql(
            "SELECT plugin_name FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' ORDER BY plugin_name"
        )
    finally:
        other.stop()
    return {
        "clone": {"plugins": plugins.split(), "network": int(network)},
        "kept": "the first frames; the recipient says how many bytes crossed in all (`network`)",
    }


RECORDINGS: dict[str, dict[str, Callable[[Any], Truth]]] = {
    "mysql": {
        "x-results": x_results, "results": results, "replication": replication, "infile": infile,
        "credentials": credentials, "character-sets": character_sets, "refused": refused, "zlib": zlib, "zstd": zstd,
        "clone": clone,
    },
    "mariadb": {
        "results": results, "replication": replication, "infile": infile, "credentials": credentials,
        "character-sets": character_sets, "zlib": zlib,
    },
    "mariadb11": {
        "results": results, "replication": replication, "infile": infile, "credentials": credentials,
        "character-sets": character_sets, "zlib": zlib,
    },
}  # fmt: skip


def main(names: list[str]) -> int:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aw-depth-") as folder:
        Path(folder).chmod(0o755)
        certificates = Certificates(Path(folder))
        kinds: dict[str, Callable[[Certificates], Server]] = {
            "mysql": XMySQL, "mariadb": LoggingMariaDB, "mariadb11": LoggingMariaDB11,
        }  # fmt: skip
        for kind, make in kinds.items():
            if names and not any(name.endswith(f"-{kind}") for name in names):
                continue
            server = make(certificates)
            try:
                server.start()
                server.sql(f"GRANT ALL ON *.* TO {APP.user}@'%'")
                for name, recording in RECORDINGS[kind].items():
                    if not names or f"{name}-{kind}" in names:
                        record(f"{name}-{kind}", server, recording)
            finally:
                server.stop()
    return 0


def record(name: str, server: Server, recording: Callable[[Any], Truth]) -> None:
    port = server.port
    if isinstance(server, XMySQL) and name.startswith("x-"):
        port = server.x_port
        known = XClient(server.folder / "x")  # from here on the server takes the password's hash
        known.log_in_on_a_socket(APP.user, APP.password)
        known.close()
    capture = LiveCapture(["lo"], port_filter([port]))
    observer = Beginning(capture, port)
    observer.most = MOST.get(name.rsplit("-", 1)[0], MAX_HELD)
    try:
        observer.begin()
        with ThreadPoolExecutor(1) as side:
            doing = side.submit(recording, server)
            while not doing.done():
                observer.wait(0.02)  # a data folder is more than the kernel holds
            truth = doing.result()
        observer.end()
        data = observer.pcapng(f"captures/depth: {recording.__doc__}", b"")
    finally:
        observer.close()
    about = {"schema": "aurora-wire/depth/1", "did": recording.__doc__, "server": server.version, "port": port, **truth}
    (FOLDER / f"{name}.pcapng").write_bytes(anonymous(data))
    (FOLDER / f"{name}.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    print(f"{name}: {len(observer.frames)} frames")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
