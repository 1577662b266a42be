"""`drakkar dlq`: what became dead letters, and a way back for it."""

from drakkar.cli.dlq.group import dlq_group

__all__ = ['dlq_group']
