"""The program: patches the process for gevent before anything else is imported.

The console script imports this module too, so it runs under the same patching.
"""

from gevent import monkey

monkey.patch_all()

from drakkar.cli.main import main  # noqa: E402 - only after the patching

if __name__ == '__main__':
    main()
