"""What a server allows: probing it without an account. Results join what was seen on the wire."""
