"""Benchmarks: ``python -m benchmarks`` regenerates RESULTS.md."""
