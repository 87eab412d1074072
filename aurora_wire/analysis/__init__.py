"""Frames in, a Scan out: what scan, watch and packets run."""
