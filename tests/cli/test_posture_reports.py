"""`--format` of `probe`, `audit`, `fleet` and `check`, and `report` with what they write: `fleet` needs no server."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from aurora_wire.cli import main
from aurora_wire.report.formats import FORMATS
from aurora_wire.report.posture.to_json import render
from tests.cli.running import python, run
from tests.conversations import sessions
from tests.conversations.tcp import Conversation, pcap
from tests.plugins import registered
from tests.posture import results
from tests.report.schemas import valid
from tests.report.test_html import check as check_page

Capsys = pytest.CaptureFixture[str]
POSTURE_FORMATS = [row.name for row in FORMATS.values() if row.posture]
SAVED = {
    "DBClusters": [
        {"DBClusterIdentifier": name, "Engine": "aurora-mysql", "EngineVersion": f"8.{minor}.mysql_aurora",
         "DBClusterParameterGroup": "default.aurora-mysql8",
         "Endpoint": f"{name}.cluster-c1.eu-west-1.rds.amazonaws.com"}
        for name, minor in (("old", 0), ("new", 4))
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("aws.json").write_text(json.dumps(SAVED))
    return tmp_path


def test_several_reports_are_written_at_once_and_the_text_goes_to_standard_output(capsys: Capsys) -> None:
    options = [f"--format={name}=out.{number}" for number, name in enumerate(POSTURE_FORMATS)]
    assert main(["fleet", "--json", "aws.json", *options]) == 1
    assert capsys.readouterr().out.startswith("Of 2 clusters, instances and proxies 1 takes connections in the clear.")
    files = {name: Path(f"out.{number}").read_bytes().decode() for number, name in enumerate(POSTURE_FORMATS)}
    valid("fleet", files["json"])
    assert [json.loads(line)["name"] for line in files["jsonl"].splitlines()] == ["old", "new"]
    assert files["markdown"].startswith("## \u274c ")
    assert json.loads(files["sarif"])["runs"][0]["results"][0]["ruleId"] == "AW621"
    assert int(ET.fromstring(files["junit"]).attrib["failures"]) == 1
    assert [row["outcome"] for row in csv.DictReader(io.StringIO(files["csv"]))] == ["bad", "good"]
    assert [row["rule"] for row in csv.DictReader(io.StringIO(files["csv:findings"]))] == ["AW621"]
    assert json.loads(files["ocsf"].splitlines()[0])["class_uid"] == 2004
    check_page(files["html"])
    assert all(Path(f"out.{number}").stat().st_mode & 0o777 == 0o600 for number in range(len(POSTURE_FORMATS)))


@pytest.mark.parametrize("name", [name for name in POSTURE_FORMATS if name != "ocsf"])  # its ids are made of the time
def test_a_report_in_a_file_is_the_one_on_standard_output(name: str, capsys: Capsys) -> None:
    def without_time(text: str) -> str:
        return re.sub(r"20\d\d-\d\d-\d\dT[0-9:]+", "T", text).replace("\r\n", "\n")

    main(["fleet", "--json", "aws.json", "--format", name, "-o", "file", "--force"])
    main(["fleet", "--json", "aws.json", "--format", name])
    assert without_time(Path("file").read_bytes().decode()) == without_time(capsys.readouterr().out)


@pytest.mark.parametrize("command", ["probe", "audit", "fleet", "check"])
def test_the_help_lists_the_formats_that_there_are_and_the_exit_codes(command: str, capsys: Capsys) -> None:
    assert main([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in POSTURE_FORMATS:
        assert f"{name}: {FORMATS[name].about}" in shown
    assert "csv:statements" not in shown
    assert "exit codes:" in shown


@pytest.mark.parametrize(("options", "said"), [
    (["--format", "yaml"], "'yaml' is none of text, json"),
    (["--format", "csv:statements"], "'csv:statements' is none of text, json"),
    (["--format", "csv:captures=x"], "'csv:captures' is none of"),
    (["--format", "sarif="], "sarif= needs the name of a file"),
    (["--format", "json", "--format", "junit"], "only one format can go to standard output or -o"),
    (["--format", "json=a", "--format", "junit=a"], "a: two reports cannot go to one file"),
    (["--format", "json=aws.json"], "aws.json: this is one of the inputs"),
    (["-o", "aws.json"], "aws.json: this is one of the inputs"),
])  # fmt: skip
def test_wrong_use_is_told_and_nothing_is_written(options: list[str], said: str, saved: Path, capsys: Capsys) -> None:
    assert main(["fleet", "--json", "aws.json", *options]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert json.loads(Path("aws.json").read_text()) == SAVED
    assert [path.name for path in saved.iterdir()] == ["aws.json"]


def test_where_one_report_cannot_be_written_none_is(saved: Path, capsys: Capsys) -> None:
    assert main(["fleet", "--json", "aws.json", "--format", "json=a", "--format", "sarif=missing/b"]) == 4
    assert capsys.readouterr().err.startswith("aurora-wire: missing/b: ")
    assert [path.name for path in saved.iterdir()] == ["aws.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("name", ["sarif", "html", "csv"])
def test_a_full_disk_is_one_line_and_exit_code_4(name: str) -> None:
    done = run("fleet", "--json", "aws.json", "--format", f"{name}=/dev/full")
    assert done.returncode == 4
    assert done.stderr == b"aurora-wire: /dev/full: no space left on device.\n"


@pytest.mark.parametrize("name", ["markdown", "sarif", "junit", "csv", "ocsf"])
def test_a_format_needs_no_heavy_library(name: str) -> None:
    code = f"""if True:
        import sys
        from aurora_wire.cli import main
        main(["fleet", "--json", "aws.json", "--format", "{name}={os.devnull}"])
        print(*sys.modules)
    """
    loaded = {name.partition(".")[0].lower() for name in python(code).split()}
    assert not loaded & {"scapy", "rich", "jinja2", "jsonschema", "boto3", "pymysql", "cryptography", "pydantic"}


def test_a_format_of_another_package_takes_what_servers_allow_where_it_says_so(saved: Path) -> None:
    modules, metadata = saved / "modules", saved / "metadata"  # not the current folder: nothing is loaded from there
    modules.mkdir()
    metadata.mkdir()
    (modules / "own.py").write_text(
        "import aurora_wire\n"
        "def allowed(posture):\n"
        "    yield f'{posture.kind} {posture.exit_code}\\n'\n"
        "OWN = aurora_wire.Format('own', 'a word', 'own:captured', posture='own:allowed')\n"
        "WIRE = aurora_wire.Format('wire', 'a word', 'own:captured')\n"
    )
    environment = registered(metadata, "aurora_wire.formats", "own = own:OWN\nwire = own:WIRE", modules)

    def fleet(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "aurora_wire", "fleet", "--json", "aws.json", "--format", name],
            capture_output=True, text=True, env=environment, check=False, timeout=60,
        )  # fmt: skip

    done = fleet("own")
    assert done.stderr == ""
    assert (done.returncode, done.stdout) == (1, "fleet 1\n")
    done = fleet("wire")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'wire' is none of text, json" in done.stderr


# -- report


@pytest.fixture
def inputs() -> None:
    plain = sessions.play(sessions.plaintext(), Conversation(server=("192.0.2.7", 3306))).packets
    Path("plain.pcap").write_bytes(pcap(plain))
    Path("check.json").write_text("".join(render(results.check(requires=True, leaking=0))))
    Path("probe.json").write_text("".join(render(results.probe(results.address()))))
    Path("fleet.json").write_text("".join(render(results.fleet())))


@pytest.mark.usefixtures("inputs")
def test_configuration_answer_and_traffic_are_in_one_table(capsys: Capsys) -> None:
    assert main(["report", "plain.pcap", "check.json", "-o", "r.html", "--force"]) == 1
    page = check_page(Path("r.html").read_text())
    assert "What the servers allow" in page.text
    assert "1 captured: 1 plaintext" in page.text, "by the address that the probe found"
    assert "The server requires TLS, and 1 plaintext session was captured" in page.text
    for name in ("'app'", "'strict'", "'auditor'"):
        assert name not in page.text
    assert main(["report", "plain.pcap", "check.json", "-o", "r.html", "--force", "--reveal"]) == 1
    assert "'strict'@'%'" in check_page(Path("r.html").read_text()).text
    assert "treat it like the data itself" in check_page(Path("r.html").read_text()).text
    capsys.readouterr()


@pytest.mark.usefixtures("inputs")
def test_results_alone_make_a_page_and_their_exit_code_is_that_of_the_command(capsys: Capsys) -> None:
    assert main(["report", "probe.json", "-o", "r.html", "--force"]) == 0
    page = check_page(Path("r.html").read_text())
    assert "No captures are in this report" in page.text
    assert "aurora-wire report probe.json -o r.html" in page.text
    assert main(["report", "probe.json", "check.json", "-o", "r.html", "--force"]) == 0
    assert main(["report", "probe.json", "fleet.json", "-o", "r.html", "--force"]) == 1
    assert "db.example.com:3306" in check_page(Path("r.html").read_text()).text
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("inputs")
def test_the_same_inputs_make_the_same_page() -> None:
    main(["report", "plain.pcap", "check.json", "fleet.json", "-o", "r.html", "--force"])
    first = Path("r.html").read_bytes()
    main(["report", "plain.pcap", "check.json", "fleet.json", "-o", "r.html", "--force"])
    assert Path("r.html").read_bytes() == first


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize(("arguments", "said"), [
    (["broken.json", "-o", "r.html"], "broken.json: is no JSON"),
    (["probe.json", "--framework", "pci", "-o", "r.html"], "are about captures, and none is given"),
    (["probe.json", "-o", "probe.json"], "this is one of the inputs"),
    (["plain.pcap", "probe.json", "-o", "probe.json"], "this is one of the inputs"),
])  # fmt: skip
def test_wrong_use_of_report_is_one_line(arguments: list[str], said: str, capsys: Capsys) -> None:
    Path("broken.json").write_text('{"schema": "aurora-wire/check/1", ')
    before = Path("probe.json").read_bytes()
    assert main(["report", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not Path("r.html").exists()
    assert Path("probe.json").read_bytes() == before
