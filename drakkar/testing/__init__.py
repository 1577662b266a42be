"""What a plugin's own tests use: the sink contract suite and an in-memory worker harness."""
