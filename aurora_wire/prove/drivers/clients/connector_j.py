"""MariaDB Connector/J: a JDBC driver, also by the URL that its old releases have for Aurora.

Releases up to 2.7 know `useSsl` and its companions and pass over `sslMode` in silence; 3.x knows both.
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import ClassVar

from aurora_wire.prove.drivers.driver import Ability, Found, Mode, Task
from aurora_wire.prove.drivers.environments import built
from aurora_wire.prove.drivers.interpreter import reached
from aurora_wire.prove.drivers.process import Command
from aurora_wire.prove.drivers.program import ProgramClient
from aurora_wire.prove.drivers.programs import find_program
from aurora_wire.prove.drivers.python_package import RUNNERS

SOURCE = RUNNERS / "ConnectorJRunner.java"
JAR_VARIABLE = "AURORA_WIRE_MARIADB_JAR"
JARS = ("/usr/share/java/mariadb-java-client.jar",)
AURORA_UNTIL = 3  # the first release whose driver has no `aurora` any more


class ConnectorJ(ProgramClient):
    name = "connector-j"
    about = "MariaDB Connector/J (JDBC)"
    how_to_get = (
        "apt-get install default-jdk-headless libmariadb-java; "
        f"another release of the jar is named by {JAR_VARIABLE}=/path/to/mariadb-java-client.jar"
    )
    scheme: ClassVar[str] = "jdbc:mariadb://"
    more_options: ClassVar[dict[str, str]] = {}
    asks: ClassVar[dict[Mode, str]] = {
        Mode.OFF: "useSsl=false&allowPublicKeyRetrieval=true",
        Mode.DEFAULT: "(nothing)",
        Mode.REQUIRED: "useSsl=true&trustServerCertificate=true",
        Mode.VERIFY_CA: "useSsl=true&serverSslCert=CA&disableSslHostnameVerification=true",
        Mode.VERIFY_IDENTITY: "useSsl=true&serverSslCert=CA",
    }

    def find(self) -> Found | None:
        jar = find_jar()
        if jar is None or not (find_program("java") and find_program("javac")):
            return None
        version = jar_version(jar)
        if version is None or self.version not in ("", version):
            return None
        unavailable = self.not_in(version)
        asks = {mode: text for mode, text in self.asks.items() if mode not in unavailable}
        return Found(f"MariaDB Connector/J {version}", str(jar), asks, unavailable, frozenset((Ability.PREPARED,)))

    def not_in(self, version: str) -> dict[Mode, str]:  # noqa: ARG002 - for the drivers below
        """Return the modes that a release does not have, and why."""
        return {}

    def command(self, task: Task, found: Found, folder: Path, *, cleanup: bool) -> Command:  # noqa: ARG002
        compiling = [find_program("javac") or "javac", "-d", ".", reached(str(SOURCE))]
        classes = built("connector-j-runner", SOURCE, compiling) or Path("/nonexistent")
        host, port = task.address
        address = f"[{host}]" if ":" in host else host
        fields = {
            "url": f"{self.scheme}{address}:{port}/{task.database}",
            "user": task.user,
            "password": task.password,
            "connectTimeout": str(int(task.timeout * 1000)),
            "cleanup": str(cleanup).lower(),
            "table": task.table,
            "prepared_canary": task.prepared_canary,
            **{f"sql.{name}": text for name, text in task.statements.items()},
            **{f"option.{name}": value for name, value in (self.options(task) | self.more_options).items()},
        }
        path = os.pathsep.join((str(classes), found.where))
        argv = [find_program("java") or "java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Duser.language=en",
                "-cp", path, SOURCE.stem]  # fmt: skip
        return Command(argv, properties(fields).encode())

    def options(self, task: Task) -> dict[str, str]:
        """Return the options of the URL for the mode; without a bundle, Java's own trusted issuers count."""
        if task.mode == Mode.DEFAULT:
            return {}
        pairs = (option.split("=", 1) for option in self.asks[task.mode].split("&"))
        options = {name: value.replace("CA", task.ca) if name == "serverSslCert" else value for name, value in pairs}
        return {name: value for name, value in options.items() if value}


class ConnectorJAurora(ConnectorJ):
    name = "connector-j-aurora"
    about = "MariaDB Connector/J by jdbc:mysql:aurora://, as for a cluster"
    scheme = "jdbc:mysql:aurora://"
    # Or it tries a server that it cannot use 120 times, and its reason is never heard.
    more_options: ClassVar[dict[str, str]] = {"retriesAllDown": "1", "failoverLoopRetries": "1"}

    def not_in(self, version: str) -> dict[Mode, str]:
        if int(version.split(".", 1)[0]) < AURORA_UNTIL:
            return {}
        return dict.fromkeys(Mode, f"Connector/J {version} knows no aurora any more: releases up to 2.7 do")


def find_jar() -> Path | None:
    places = [os.environ.get(JAR_VARIABLE, ""), *JARS]
    return next((Path(place).absolute() for place in places if place and Path(place).is_file()), None)


def jar_version(jar: Path) -> str | None:
    """Return the version from the jar's manifest; None if it is no such jar."""
    try:
        with zipfile.ZipFile(jar) as archive:
            manifest = archive.read("META-INF/MANIFEST.MF").decode(errors="replace")
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
    found = re.search(r"^(?:Bundle|Implementation|Specification)-Version: *(\d+\.\d+\.[\w.]+)", manifest, re.MULTILINE)
    return found[1] if found else None


def properties(fields: dict[str, str]) -> str:
    """Return the text form of java.util.Properties: ASCII, everything that means something there escaped."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in fields.items())


def _escaped(value: str) -> str:
    units = value.encode("utf-16-be")
    codes = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(chr(code) if code < 0x80 and chr(code).isalnum() else f"\\u{code:04x}" for code in codes)
