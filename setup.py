"""Package of the Drakkar core. Plugins under `plugins/` are packages of their own."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def read_version() -> str:
    """Return the version from its one place, without importing the package."""
    source = (ROOT / 'drakkar' / '_version.py').read_text(encoding='utf-8')
    match = re.search(r"^__version__ = '([^']+)'$", source, re.MULTILINE)
    if match is None:
        raise RuntimeError('drakkar/_version.py does not define __version__')
    return match.group(1)


def read_description() -> str:
    """Return the README, or nothing in a tree that has none."""
    readme = ROOT / 'README.md'
    return readme.read_text(encoding='utf-8') if readme.exists() else ''


# For Kafka topics compressed otherwise than with gzip.
CODECS = ['lz4>=4', 'python-snappy>=0.7', 'zstandard>=0.22']
TEST = [
    *CODECS,
    'coverage>=7.6',
    'hypothesis>=6.100',
    'pytest>=8.2',
    'pytest-timeout>=2.3.1',
    'pyyaml>=6',
    'schemathesis>=4',
    'selenium>=4.20',
]

DEV = [
    *TEST,
    'import-linter>=2.1',
    'mypy>=1.13',
    'ruff>=0.9',
    'tox>=4.23',
]

setup(
    name='drakkar',
    version=read_version(),
    description='Runs external programs on messages, with retries, sinks and offsets kept safe.',
    long_description=read_description(),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar', 'drakkar.*']),
    package_data={
        'drakkar': ['py.typed'],
        'drakkar.cli': ['templates/**/*.txt'],
        'drakkar.cli.demo': ['*.ini'],
        'drakkar.metrics': ['assets/*'],
        'drakkar.ui': [
            'templates/**/*.html',
            'static/*.svg',
            'static/css/*.css',
            'static/js/**/*.js',
        ],
    },
    install_requires=[
        'apispec>=6.8',
        'bottle>=0.13',
        'click>=8.2',
        'crc32c>=2.7',  # without it kafka-python checks records in Python, slowly
        'gevent>=24.10.1',
        'gevent-websocket>=0.10.1',
        'jinja2>=3.1',
        'kafka-python>=3.0.12,<3.1',
        'marshmallow>=4,<5',
        'peewee>=4,<5',
        'pluggy>=1.5',
        'prometheus-client>=0.20',
        'psutil>=5.9',
        'rich>=13.7',
        'structlog>=24.1',
    ],
    extras_require={
        'speed': ['orjson>=3.10'],
        'codecs': CODECS,
        'test': TEST,
        'dev': DEV,
    },
    entry_points={'console_scripts': ['drakkar = drakkar.__main__:main']},
    classifiers=[
        'Environment :: Console',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: System :: Distributed Computing',
        'Typing :: Typed',
    ],
)
