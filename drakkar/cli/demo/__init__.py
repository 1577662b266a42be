"""`drakkar demo`: the whole product on real files, from one command."""

from drakkar.cli.demo.command import demo_command

__all__ = ['demo_command']
