"""Package of the filesystem sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-filesystem',
    version='0.1.0',
    description='Filesystem sink for Drakkar: payloads as JSON lines, rotated by size.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_filesystem', 'drakkar_sink_filesystem.*']),
    install_requires=['drakkar', 'gevent>=24.10.1'],
    entry_points={'drakkar': ['filesystem = drakkar_sink_filesystem']},
)
