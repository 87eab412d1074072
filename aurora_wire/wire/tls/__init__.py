"""TLS as seen from outside: record chains and what the handshake says in the clear."""
