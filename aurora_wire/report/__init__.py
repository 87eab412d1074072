"""One module a format: pure functions from a result to text or bytes."""
