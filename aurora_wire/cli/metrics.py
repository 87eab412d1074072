"""`watch --metrics HOST:PORT`: counts for Prometheus, without addresses or names of the traffic in them."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from aurora_wire.disk import describe_disk_error
from aurora_wire.errors import UsageError

MISSING: Final = "--metrics needs one more package: pip install 'aurora_wire[sensor]'."
PREFIX: Final = "aurora_wire"
AT_ONCE: Final = 8      # readers
PATIENCE: Final = 5.0   # seconds for a reader to say what it wants

# Name, kind, what it counts, and the key of the count.
METRICS: Final = (
    ("packets", "counter", "Packets that were decoded.", "packets"),
    ("wire_bytes", "counter", "Bytes of those packets on the wire.", "bytes"),
    ("dropped_packets", "counter", "Packets that the kernel lost as the ring was full.", "dropped"),
    ("open_connections", "gauge", "Connections that are open.", "open"),
    ("open_connections_in_clear", "gauge", "Open connections with something in the clear.", "in_clear"),
    ("clear_bytes", "counter", "Bytes in the clear, of connections that ended.", "clear_bytes"),
    ("alerts_sent", "counter", "Alerts that were delivered.", "sent"),
    ("alerts_failed", "counter", "Alerts that could not be delivered; they are tried again.", "failed"),
    ("alerts_held_back", "counter", "Leaks that had to wait as too many waited already.", "held_back"),
)


class _Handler(WSGIRequestHandler):
    timeout = PATIENCE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the class above
        """Say nothing: standard error is for people."""


class _Server(ThreadingMixIn, WSGIServer):
    """Answers a few readers at once; one that is slow keeps nobody else waiting, and more of them are turned away."""

    daemon_threads = True

    def __init__(self, *arguments: Any, **others: Any) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(*arguments, **others)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away."""

    def server_bind(self) -> None:  # without the look-up of our own name, which may take its time
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class Metrics:
    """A server that is bound when it is made, and answers from `start` on: threads come after the drop of rights.

    counts: gives the number of each key, asked in a thread of the server's.
    """

    def __init__(self, place: tuple[str, int], counts: Callable[[], dict[str, int]], verdicts: Counter[str]) -> None:
        """Raises UsageError where it cannot listen there, or the package is missing."""
        if find_spec("prometheus_client") is None:
            raise UsageError(MISSING)
        from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: PLC0415
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        from aurora_wire._build import compiled  # noqa: PLC0415
        from aurora_wire._version import VERSION  # noqa: PLC0415

        class Collector:
            def collect(self) -> Iterator[Any]:
                found = counts()
                for name, kind, about, key in METRICS:
                    family = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
                    yield family(f"{PREFIX}_{name}", about, value=found[key])
                ended = CounterMetricFamily(
                    f"{PREFIX}_connections", "MySQL connections that ended, by verdict.", labels=["verdict"]
                )
                for verdict, number in sorted(verdicts.copy().items()):
                    ended.add_metric([verdict], number)
                yield ended
                build = GaugeMetricFamily(f"{PREFIX}_build", "Which build runs.", labels=["version", "core"])
                build.add_metric([VERSION, "compiled" if compiled() else "interpreted"], 1)
                yield build

        registry = CollectorRegistry(auto_describe=False)
        registry.register(Collector())
        host, port = place
        server_class = _Server6 if ":" in host else _Server
        try:
            self._server = make_server(host, port, make_wsgi_app(registry), server_class, _Handler)
        except OSError as error:
            shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            why = describe_disk_error(error)
            raise UsageError(f"--metrics {shown}: {why}. Name another address or port.") from error
        self.port: int = self._server.server_port
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed:
            self._server.handle_request()

    def close(self) -> None:
        """Listen no longer. The thread has ended by then: on a closed socket it would ask again and again."""
        self._closed = True
        if self._thread is not None:
            with suppress(OSError):  # what waits for a reader wakes, and finds none
                self._server.socket.shutdown(socket.SHUT_RDWR)
            self._thread.join(PATIENCE)
        self._server.server_close()
