"""One packet as text."""
