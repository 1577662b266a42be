"""Package of the HTTP sink."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name='drakkar-sink-http',
    version='0.1.0',
    description='HTTP sink for Drakkar: payloads as requests to an endpoint.',
    long_description=(HERE / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='MIT',
    python_requires='>=3.10',
    packages=find_packages(include=['drakkar_sink_http', 'drakkar_sink_http.*']),
    install_requires=['drakkar', 'gevent>=24.10.1', 'requests>=2.32.2', 'urllib3>=2.2'],
    entry_points={'drakkar': ['http = drakkar_sink_http']},
)
