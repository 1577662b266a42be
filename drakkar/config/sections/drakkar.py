"""The `[drakkar]` section."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class DrakkarOptions(OptionSchema):
    """What this worker runs, and what it is called."""

    handler = option.Str(
        required=True,
        description='Handler: the name of a plugin, or an import path `package.module:Class`.',
    )
    source = option.Str(
        default='log',
        description='Where messages come from; the section of the same name configures it.',
    )
    worker_name = option.Str(
        default='',
        description='Name of this worker. Empty: the value of the variable `worker_name_env`, '
        'else host name and process id.',
    )
    worker_name_env = option.Str(
        default='WORKER_ID', description='Environment variable that holds the name of this worker.'
    )
    cluster_name = option.Str(
        default='', description='Name of the group of workers that do the same job.'
    )
