"""The debug UI: pages, their JSON twins, and one WebSocket. Reads the worker, changes nothing.

How to add a page
-----------------
1. `data/NAME.py`: a function `(context, ...) -> dict`, ready for JSON. It is the only source of
   both the page and its twin, and of the WebSocket topic where there is one.
2. `pages/NAME.py`: views `(context, request) -> Page | Redirect | File`, listed in `ROUTES`:
   `Route('GET', '/history', history, 'Browse recorded events.', query=(Parameter(...),))`.
3. `api/NAME.py`: views that return `Json(...)`, listed in `ROUTES` with `returns=` (see
   `schema.py`); the OpenAPI document and its tests come from that.
   Modules in `pages/` and `api/` are found by themselves; nothing has to be registered.
   `make docs` writes the table of routes of docs/ui.md anew.
4. `templates/NAME.html`: `{% extends 'base.html' %}`, blocks `title`, `content`, `modules`
   (`<script type="module" src="/static/js/NAME.js"></script>`). `_macros.html` has `when`,
   `empty`, `pager`, `problem`. Everything is escaped; no `style=`, no inline script: the content
   security policy refuses them. Filters: `integer`, `duration`, `bytes`, `plain` (strips ANSI).
5. Live data: `topics/NAME.py` with `def topic(context) -> Topic | None`; in JavaScript
   `import {subscribe} from './socket.js'`, then `subscribe('NAME', frame => ...)`. What the
   server rendered is kept fresh without code by `bind.js`: `data-bind="pool.active"` on an
   element, `data-list="partitions"` with a `<template>` for rows, `data-format="integer"`.

A view takes values from `request.text(name)`, `.integer(name, default, low, high)`, `.many(name)`,
`.path[name]` and `.json()`, and raises `HttpError(status, hint)`. Every path is deep-linkable:
filters and tabs live in the query. A link to an event, task or trace is made in `links.py`.
"""
