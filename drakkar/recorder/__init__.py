"""The flight recorder: what happened to every message, in SQLite files that any tool reads."""

from drakkar.recorder.recorder import Recorder
from drakkar.recorder.settings import RecorderSettings

__all__ = ['Recorder', 'RecorderSettings']
