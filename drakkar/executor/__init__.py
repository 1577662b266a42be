"""Runs tasks as external programs: one program a task, a bounded number at once."""
