"""Ethernet to TCP header."""
