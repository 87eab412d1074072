"""A result as text."""
