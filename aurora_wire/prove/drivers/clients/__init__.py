"""The drivers that come with the package, one module each; `aurora_wire.prove.drivers.registry` lists them."""
