"""Which protocol is it; resynchronisation."""
