"""The `[executor]` section and its sub-sections."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema
from drakkar.redact import SECRET_PATTERNS


class LimitOptions(OptionSchema):
    """Limits of each task's process, set on the child only. Empty or 0: no limit."""

    cpu_seconds = option.Int(default=None, min=0, unit='seconds', description='CPU time.')
    address_space_bytes = option.Int(default=None, min=0, unit='bytes', description='Memory.')
    open_files = option.Int(default=None, min=0, description='Open files.')
    nice = option.Int(
        default=None, min=-20, max=19, description='Niceness; below 0 needs the privilege for it.'
    )


class ExecutorOptions(OptionSchema):
    """The pool of programs that run the tasks."""

    binary_path = option.Path(
        default='', description='Program of tasks that name none themselves; run without a shell.'
    )
    max_executors = option.Int(
        default=4, min=1, max=10_000, description='Programs that run at the same time.'
    )
    window_size = option.Int(
        default=100,
        min=1,
        unit='messages',
        description='Most messages of one partition that one call of `arrange` gets.',
    )
    task_timeout_seconds = option.Float(
        default=120,
        min=0.001,
        unit='seconds',
        description='Longest run of a task that sets no limit itself.',
    )
    kill_grace_seconds = option.Float(
        default=5,
        min=0,
        unit='seconds',
        description='Time between SIGTERM and SIGKILL for a process group that is stopped.',
    )
    max_retries = option.Int(
        default=3, min=0, description='Further runs of a failed task when the handler says RETRY.'
    )
    retry_backoff_seconds = option.Float(
        default=1, min=0, unit='seconds', description='Wait before the first retry; it doubles.'
    )
    retry_backoff_max_seconds = option.Float(
        default=30, min=0, unit='seconds', description='Longest wait before a retry.'
    )
    drain_timeout_seconds = option.Float(
        default=30,
        min=0,
        unit='seconds',
        description='Time for running work to end at shutdown, or when a partition is given up.',
    )
    backpressure_high_multiplier = option.Int(
        default=32,
        min=1,
        description='The source pauses at this many queued and running messages, '
        'times `max_executors`.',
    )
    backpressure_low_multiplier = option.Int(
        default=4,
        min=0,
        description='It resumes at this many, times `max_executors`, but at least 1.',
    )
    max_stdout_bytes = option.Int(
        default=16 * 1024 * 1024,
        min=0,
        unit='bytes',
        description='Captured output of a task; more is cut and the result says so. 0: unlimited.',
    )
    max_stderr_bytes = option.Int(
        default=1024 * 1024,
        min=0,
        unit='bytes',
        description='Captured error output of a task; more is cut. 0: unlimited.',
    )
    env_inherit_parent = option.Bool(
        default=True, description="Whether tasks get the worker's own environment."
    )
    env_inherit_deny = option.List(
        default=list(SECRET_PATTERNS),
        description='Patterns of variables that tasks do not get from the worker, ignoring case. '
        'A list given here replaces the default.',
    )
    env = option.Mapping(
        description='Environment variables for every task; they win over inherited ones, '
        "and a task's own win over them."
    )
    limits = option.SubSection(LimitOptions)

    @validates_schema
    def _check_multipliers(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.below(values, 'backpressure_low_multiplier', 'backpressure_high_multiplier')

    @validates_schema
    def _check_backoff(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.at_most(values, 'retry_backoff_seconds', 'retry_backoff_max_seconds')
