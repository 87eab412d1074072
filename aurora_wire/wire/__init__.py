"""From a frame to protocol events: sans-IO, compiled, without opinions."""
