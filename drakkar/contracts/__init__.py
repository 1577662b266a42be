"""What the parts of the pipeline promise each other: abstract classes only."""
