"""The documents of reports: every number once, as plain values."""
