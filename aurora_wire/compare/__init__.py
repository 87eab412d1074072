"""Two runs: did the fix work; who breaks if TLS is required."""
