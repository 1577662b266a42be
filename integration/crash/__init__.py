"""Kills workers with SIGKILL while messages flow, and counts what is left of them."""
