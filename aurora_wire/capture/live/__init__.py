"""Frames from the kernel's ring, and what is written of them."""
