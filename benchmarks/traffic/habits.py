"""Habits of networks: how much of what crosses, how long connections live, and what is around the packets."""

from dataclasses import dataclass

PACKETS = 1_000_001                 # of a whole capture: a small one keeps its shares only with shorter connections
SCRIPT_EXCHANGES = 22               # commands at most on a connection that a script or a cron job opens


@dataclass(frozen=True)
class Habits:
    """Those of one capture. `shares` are of all packets; what stands first wins a tie."""

    about: str
    shares: tuple[tuple[str, float], ...]
    pooled_share: float = 0.7       # of the MySQL connections: an application's pool keeps them long
    pooled_exchanges: int = 400     # commands at most on one of them, in a capture of a million packets
    script_exchanges: int = SCRIPT_EXCHANGES
    open_at_a_time: int = 400
    row_counts: tuple[int, ...] = (0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 6, 8, 30)  # of result sets
    results_only: bool = False      # each statement in the clear has a result set
    tls_queries: tuple[int, ...] = (20, 60, 80, 90, 110, 140, 180, 300)  # bytes, and up to 40 more
    tls_results: tuple[int, ...] = (11, 11, 11, 180, 200, 240, 260, 320, 400, 900)  # bytes
    gives_up: bool = False          # after one conversation too long for what is left, ARP fills it
    tunnel: bool = False            # each frame in VXLAN, in a pcapng file
    ends: bool = True               # connections are closed; else they fall silent, and others begin
    offloaded: bool = False         # captured on the servers' host, whose card is to fill in TCP checksums


_USUAL = (
    ("mysql_tls", 0.45), ("mysql_plaintext", 0.45), ("https", 0.045), ("http", 0.025), ("dns", 0.02), ("icmp", 0.005),
    ("arp", 0.005),
)
HABITS = {
    "standard": Habits("nine of ten packets MySQL, half of these under TLS", _USUAL),
    "short": Habits("many short connections: three commands at most", _USUAL, pooled_share=0, script_exchanges=4),
    "fat": Habits(
        "few fat ones: 4 at a time, results of some 100 kB",
        (("mysql_tls", 0.5), ("mysql_plaintext", 0.5)), pooled_share=1, pooled_exchanges=1000, open_at_a_time=4,
        row_counts=(500, 1000, 2000, 4000), results_only=True, tls_results=(40_000, 90_000, 200_000), gives_up=True,
    ),
    "plaintext": Habits(
        "all in the clear, each statement with a result", (("mysql_plaintext", 1.0),), results_only=True,
        row_counts=(1, 2, 5, 10, 20, 50, 200),
    ),
    "other": Habits(
        "four of five packets are no MySQL",
        (("https", 0.40), ("http", 0.22), ("mysql_tls", 0.10), ("mysql_plaintext", 0.10), ("dns", 0.12),
         ("icmp", 0.03), ("arp", 0.03)),
    ),
    "open": Habits(
        "1,000 connections open at a time, none ends; records of 60 to 600 bytes, checksums left to the card", _USUAL,
        pooled_share=1, open_at_a_time=1000, row_counts=(0, 1, 1, 1, 2, 2, 3), tls_queries=(40, 60, 90, 140, 200, 300),
        tls_results=(40, 60, 90, 160, 240, 320, 400, 500), ends=False, offloaded=True,
    ),
    "vxlan": Habits("the standard one in VXLAN, in a pcapng file", _USUAL, tunnel=True),
}  # fmt: skip
