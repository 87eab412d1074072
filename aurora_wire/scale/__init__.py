"""Captures by the thousand: the segment table, and its analysis by flow, on Spark."""
