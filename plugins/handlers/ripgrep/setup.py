"""The ripgrep handler of Drakkar: searches files for the requests of a topic."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-handler-ripgrep',
    version='0.1.0',
    description='Drakkar handler that runs ripgrep for search requests.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_handler_ripgrep', 'drakkar_handler_ripgrep.*']),
    package_data={'drakkar_handler_ripgrep': ['run-rg']},
    install_requires=['drakkar', 'marshmallow>=4,<5', 'prometheus-client>=0.20'],
    entry_points={'drakkar': ['ripgrep = drakkar_handler_ripgrep']},
)
