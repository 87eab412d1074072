"""Capture files: found, opened, decompressed, read and written."""
