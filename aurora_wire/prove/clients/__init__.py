"""The drivers that come with the package, one module each; `aurora_wire.prove.finding` lists them."""
