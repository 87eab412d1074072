"""Records the captures in `mariadb`, `mysql` and `mariadb-without-tls` again: `make captures`, as root.

Every client that can be had, in every mode, against private servers that are started for it, live on the loopback;
each capture with its truth beside it, and the matrix of each server as `matrix.txt` and `matrix.json`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from aurora_wire.errors import AuroraWireError  # noqa: E402
from aurora_wire.prove import capture_process  # noqa: E402
from aurora_wire.prove.drivers.driver import Mode  # noqa: E402
from aurora_wire.prove.drivers.registry import names, ready  # noqa: E402
from aurora_wire.prove.run import ProveOptions, prove  # noqa: E402
from aurora_wire.report import prove_json as matrix_json  # noqa: E402
from aurora_wire.report.text import prove as matrix_text  # noqa: E402
from aurora_wire.report.wording import Style  # noqa: E402
from tests.real.certificates import Certificates  # noqa: E402
from tests.real.servers import (  # noqa: E402
    APP,
    DATABASE,
    MYSQL_FOLDER,
    SYSTEM_PATH,
    MariaDB,
    MySQL,
    NotThereError,
    Server,
)

OLD_PYMYSQL = "pymysql==1.1.1"  # from before it asked for TLS by itself
WIDTH = 130
WITHOUT_TLS = ("pymysql", "mysql", "mariadb", "connector-j", "django", "connector-python", "mysql2")


def main() -> int:
    # The servers and clients are the project's own, in its own cache: root stays, and starts the next server, too.
    with patch.object(capture_process, "account_to_become", return_value=None):
        return record_all()


def record_all() -> int:
    os.environ["XDG_CACHE_HOME"] = os.environ.get("AURORA_WIRE_TEST_CACHE") or str(ROOT / ".cache")
    os.environ["PATH"] = os.pathsep.join((str(MYSQL_FOLDER / "bin"), SYSTEM_PATH))
    os.chdir(HERE)  # files are named from here
    clients = [name for name in [*names(), OLD_PYMYSQL] if there(name)]
    with tempfile.TemporaryDirectory(prefix="aw-record-") as folder:
        Path(folder).chmod(0o755)
        certificates = Certificates(Path(folder))
        record("mariadb", MariaDB(certificates), clients)
        record("mysql", MySQL(certificates), clients)
        bare = [name for name in clients if name in WITHOUT_TLS]
        record("mariadb-without-tls", MariaDB(certificates, with_tls=False), bare, (Mode.DEFAULT, Mode.REQUIRED))
    return 0


def there(name: str) -> bool:
    try:
        ready(name, print)
    except AuroraWireError as error:
        print(f"left out: {error}")  # noqa: T201
        return False
    return True


def record(name: str, server: Server, clients: Sequence[str], modes: Sequence[Mode] = tuple(Mode)) -> None:
    """All cells of one server; what a client made of it is in the matrix, not in our exit code."""
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for old in [*folder.glob("*.pcapng"), *folder.glob("*.json"), *folder.glob("*.txt")]:
        old.unlink()
    try:
        server.start()
        forget(server)
        matrix = prove(
            ProveOptions(
                host="localhost", port=server.port, user=APP.user, password=APP.password, database=DATABASE,
                clients=clients, modes=modes, ca=str(server.certificates.ca), keep=name,
            ),
            print, lambda _: forget(server),
        )  # fmt: skip
        (folder / "matrix.json").write_text(matrix_json.render(matrix))
        (folder / "matrix.txt").write_text("\n".join(matrix_text.render(matrix, Style(WIDTH))) + "\n")
        for path in folder.iterdir():
            path.write_bytes(anonymous(path.read_bytes()))
            path.chmod(0o644)
        folder.chmod(0o755)
        print(f"{name}: {server.version}, {len(list(folder.glob('*.pcapng')))} captures")  # noqa: T201
    finally:
        server.stop()


def anonymous(data: bytes) -> bytes:
    """Without the release of this machine's kernel, which a pcapng names: it says nothing of what was recorded."""
    system = os.uname()
    named = f"{system.sysname} {system.release}".encode()
    return data.replace(named, system.sysname.encode().ljust(len(named)))


def forget(server: Server) -> None:
    """Each login is a full one: else MySQL would remember the password of the one before."""
    if isinstance(server, MySQL):
        server.forget_passwords()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotThereError as missing:
        sys.exit(str(missing))
