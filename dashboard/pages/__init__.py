"""The pages: one module a page, beside it a template of the same name. They read, render and lay out; nothing else.

- ``shell`` is what every page stands in: templates, navigation, theme, error pages. ``setup`` wires it into the app.
- ``header`` is its top: which trains and which period (``dashboard.period``, ``call.period``) a page is about.
- ``requests`` is the list, ``request`` one recorded call, ``first_run`` what a stranger sees on an empty installation.
- ``conversations`` and ``sessions`` are lists too, ``conversation`` is one as thread, graph and raw edges;
  ``list_address`` is what the lists' addresses have in common.
- ``overview`` (``overview_more`` what comes later) and ``cost`` draw sums (``dashboard.totals``) with
  ``dashboard.charts``; ``conversation_cost`` is a view, ``conversation_reprice`` and ``conversation_sources`` are parts
  of it, ``prices`` the price table; ``windows`` and ``window_account`` draw ``dashboard.windows``.
- ``navigation`` lists the places, ``find`` leads to them, ``settings`` keeps the reader's ``preferences``;
  ``files`` serves styles and scripts.

Rows and bodies come from ``dashboard.recordings`` and ``dashboard.conversations``, as for the JSON API; what is shown
of recorded content comes from ``dashboard.render``, off the event loop. The address is the whole state of a page, and
every page reads without JavaScript; htmx only saves a reload.
"""

from dashboard.pages.shell import setup

__all__ = ["setup"]
