"""The integration environment, crash tests and benchmarks."""
