"""What `watch` shows."""
