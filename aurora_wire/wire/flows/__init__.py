"""Flow table, TCP reassembly, one connection's state."""
