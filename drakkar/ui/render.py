"""Turns pages into HTML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gevent.threadpool import ThreadPool
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from drakkar._version import __version__
from drakkar.ui import formats
from drakkar.ui.context import UiContext
from drakkar.ui.data.workers import workers
from drakkar.ui.errors import HttpError, reason
from drakkar.ui.request import Request
from drakkar.ui.routes import Page

TEMPLATES = Path(__file__).with_name('templates')
NAVIGATION = (
    ('/', 'Dashboard'),
    ('/partitions', 'Partitions'),
    ('/sinks', 'Sinks'),
    ('/live', 'Live'),
    ('/history', 'History'),
    ('/debug', 'Debug'),
)

_thread: ThreadPool | None = None


def _printable(value: Any) -> Any:
    """Take the control sequences of terminals out of every text that a template shows."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return formats.plain(value) if is_text else value


class Renderer:
    """Jinja2 with escaping always on and unknown variables an error."""

    def __init__(self, context: UiContext) -> None:
        self._context = context
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            # A plain dict: Jinja's own cache has a lock, which greenlets and threads can't share.
            cache_size=-1,
            finalize=_printable,
        )
        self._environment.filters.update(formats.FILTERS)

    def page(self, request: Request, page: Page) -> str:
        """Return the HTML of a page."""
        return self._render(request, page.template, **page.data)

    def error(self, request: Request, error: HttpError) -> str:
        """Return a page that says what is wrong and what to do."""
        return self._render(request, 'error.html', error=error, reason=reason(error.status))

    def refused(self, error: HttpError) -> str:
        """Return the same without a word about the worker: it may be anybody who asks."""
        return self._in_thread('refused.html', error=error, reason=reason(error.status))

    def login(self, then: str, wrong: bool) -> str:
        """Return the page that asks for the token and goes on to `then`, a path."""
        return self._in_thread('login.html', next=then, wrong=wrong)

    def _render(self, request: Request, template: str, **variables: Any) -> str:
        return self._in_thread(
            template,
            request=request,
            navigation=NAVIGATION,
            here=request.url_path,
            worker_id=self._context.worker_id,
            cluster=self._context.cluster,
            version=__version__,
            switcher=workers(self._context),
            **variables,
        )

    def _in_thread(self, template: str, **variables: Any) -> str:
        """Render in a native thread: a page of thousands of rows takes a while."""
        global _thread
        if _thread is None:  # made at first use, by the process that uses it
            _thread = ThreadPool(1)
        text, error = _thread.apply(self._attempt, (template, variables))
        if error is not None:
            raise error
        return text

    def _attempt(self, template: str, variables: Mapping[str, Any]) -> tuple[str, Any]:
        """Return an exception as a value: gevent prints those that leave a pool's thread."""
        try:
            return self._environment.get_template(template).render(variables), None
        except BaseException as error:
            return '', error
