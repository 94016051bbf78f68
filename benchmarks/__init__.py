"""Measurements of cellsk beside its alternatives; run as ``python -m benchmarks.NAME``."""
