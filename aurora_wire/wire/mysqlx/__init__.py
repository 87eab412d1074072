"""The X Protocol: frames, capabilities, authentication, statements and results."""
