"""A packet field by field."""
