"""What can be proved, handed on and compared: bundles, redaction, comparison, impact."""
