"""The symbol count handler of Drakkar: counts the characters of each message."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-handler-symbol-count',
    version='0.1.0',
    description='Drakkar handler that counts the characters of each message.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_handler_symbol_count']),
    package_data={'drakkar_handler_symbol_count': ['count-symbols.sh']},
    install_requires=['drakkar', 'prometheus-client>=0.20'],
    entry_points={'drakkar': ['symbol-count = drakkar_handler_symbol_count']},
)
