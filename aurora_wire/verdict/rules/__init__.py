"""What can be found: rules, their checks and controls."""
