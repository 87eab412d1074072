"""What a server allows, in every format: results of `probe`, `audit`, `fleet` and `check`."""
