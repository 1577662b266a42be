"""What the live page shows: the last seconds and minutes of a worker, in memory."""

from drakkar.recorder.live.board import LiveBoard

__all__ = ['LiveBoard']
