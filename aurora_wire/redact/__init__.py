"""Masks statements and capture files."""
