"""Polls the source, follows its assignments, and holds it back when there is too much."""
