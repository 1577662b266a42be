"""Package of the Redis sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-redis',
    version='0.1.0',
    description='Redis sink for Drakkar: values with a lifetime, lists, streams, channels, hashes.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_redis', 'drakkar_sink_redis.*']),
    install_requires=['drakkar', 'gevent>=24.10.1', 'redis>=8,<9'],
    entry_points={'drakkar': ['redis = drakkar_sink_redis']},
)
