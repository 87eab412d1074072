"""Drives real clients over a connection that is captured, and shows what crossed the wire."""
