"""A packet as tcpdump prints it."""
