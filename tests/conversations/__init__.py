"""Conversations to judge.

A TCP connection as a capture shows it (`tcp`), MySQL packets (`mysql`), TLS records (`tls`), whole sessions
made of named steps (`sessions`), and TLS as OpenSSL really speaks it (`real_tls`).
"""

from tests.conversations.sessions import Step, play
from tests.conversations.tcp import Conversation, Packet, in_turn, interleave, pcap, pcapng

__all__ = ["Conversation", "Packet", "Step", "in_turn", "interleave", "pcap", "pcapng", "play"]
