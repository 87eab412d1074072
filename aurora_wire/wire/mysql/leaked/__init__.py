"""What of the data that crossed in the clear matters: which classes of values, in which tables and columns."""
