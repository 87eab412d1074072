"""Packets printed by tcpdump -x, read back."""
