"""What the benchmark capture is made of: one module a layer, all driven by one seeded generator."""
