"""The options of `[sinks.filesystem.NAME]`."""

from __future__ import annotations

import drakkar.api as dk


class FileOptions(dk.OptionSchema):
    """Appends each payload as a line of JSON to a file below `base_path`."""

    base_path = dk.option.Path(
        required=True, description='Folder that all files are below; made with the first of them.'
    )
    fsync = dk.option.Bool(
        default=False,
        description='Whether a delivery waits until the disk has it. Without, a crash of the '
        'machine (not of the worker) may lose the last seconds.',
    )
    rotate_bytes = dk.option.Int(
        default=0,
        min=0,
        unit='bytes',
        description='Size from which a file is set aside as `<file>.1`, then `<file>.2` and so '
        'on, the highest number being the newest; 0 means never.',
    )
    rotate_keep = dk.option.Int(
        default=0,
        min=0,
        unit='files',
        description='How many of those to keep of each file; older ones are deleted. 0 keeps all.',
    )
    max_open_files = dk.option.Int(
        default=64, min=1, unit='files', description='Files that are kept open between deliveries.'
    )
    linger_ms = dk.option.Int(
        default=5,
        min=0,
        unit='milliseconds',
        description='How long a delivery waits for more payloads to join it.',
    )
