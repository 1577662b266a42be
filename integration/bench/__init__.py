"""Benchmarks: each figure of the product beside a bare loop that does the same work."""
