"""Conversations with known truth, sent through networks and adversaries, and what the program must say of them."""
