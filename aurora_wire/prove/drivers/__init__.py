"""Drives real clients."""
