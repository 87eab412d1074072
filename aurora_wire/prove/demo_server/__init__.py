"""Servers that `demo` starts."""
