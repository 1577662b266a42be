"""Package of the PostgreSQL sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-postgres',
    version='0.1.0',
    description='PostgreSQL sink for Drakkar: multi-row inserts, upserts and named statements.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_postgres', 'drakkar_sink_postgres.*']),
    install_requires=['drakkar', 'gevent>=24.10.1', 'psycopg2-binary>=2.9.9'],
    entry_points={'drakkar': ['postgres = drakkar_sink_postgres']},
)
