"""What the events mean: verdicts, confidence, reasons, coverage, rules, findings."""
