"""The embedded log: a durable, partitioned log in one SQLite file, for one machine."""
