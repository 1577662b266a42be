"""Package of the Kafka sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-kafka',
    version='0.1.0',
    description='Kafka sink for Drakkar: payloads as records of topics.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_kafka', 'drakkar_sink_kafka.*']),
    install_requires=['drakkar', 'gevent>=24.10.1', 'kafka-python>=3.0.12,<3.1'],
    extras_require={
        'lz4': ['lz4>=4'],
        'snappy': ['python-snappy>=0.7'],
        'zstd': ['zstandard>=0.22'],
    },
    entry_points={'drakkar': ['kafka_sink = drakkar_sink_kafka']},
)
