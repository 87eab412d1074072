"""A time-stamp authority of our own: `openssl ts` behind a web server on loopback."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """\
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name}
[v3_ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[v3_tsa]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


@contextmanager
def authority(folder: Path, *, answers: bytes | None = None) -> Iterator[str]:
    """The address of one; its certificate is `folder`/ca.pem. answers: what it says instead of a time-stamp."""
    folder.mkdir()
    config = folder / "tsa.cnf"
    config.write_text(CONFIG.format(folder=folder, name="authority of the tests"))
    (folder / "serial").write_text("01\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", str(config))
    ca, tsa = str(folder / "ca"), str(folder / "tsa")
    openssl("req", "-x509", *key, "-extensions", "v3_ca", "-days", "2", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    openssl("req", *key, "-subj", "/CN=time-stamps", "-keyout", f"{tsa}.key", "-out", f"{tsa}.csr")
    openssl("x509", "-req", "-in", f"{tsa}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-set_serial", "7",
            "-days", "2", "-extfile", str(config), "-extensions", "v3_tsa", "-out", f"{tsa}.pem")  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query, reply = folder / "query.tsq", folder / "reply.tsr"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            if answers is None:
                openssl("ts", "-reply", "-config", str(config), "-queryfile", str(query), "-out", str(reply))
            body = reply.read_bytes() if answers is None else answers
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://user:Geheim-17@127.0.0.1:{server.server_port}/tsa?token=Geheim-18"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=60)
