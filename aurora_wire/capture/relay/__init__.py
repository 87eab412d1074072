"""Connections carried by ourselves, where nobody may capture."""
