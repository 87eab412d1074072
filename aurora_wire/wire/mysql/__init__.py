"""The MySQL client/server protocol: one state machine each direction."""
