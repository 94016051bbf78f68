"""Comparisons of cellsk with its alternatives. Run each as ``python -m benchmarks.NAME``."""
