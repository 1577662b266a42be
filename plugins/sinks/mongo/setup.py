"""Package of the MongoDB sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-mongo',
    version='0.1.0',
    description='MongoDB sink for Drakkar: inserts, upserts by _id, and named updates.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_mongo', 'drakkar_sink_mongo.*']),
    install_requires=['drakkar', 'gevent>=24.10.1', 'pymongo>=4.10,<5'],
    entry_points={'drakkar': ['mongo = drakkar_sink_mongo']},
)
