"""The dashboard: pages, JSON API, metrics. It only reads; the recorder writes what it shows.

- ``__main__`` starts it; ``app.make_app`` puts it together; ``settings`` reads the environment.
- ``routing`` declares a route: method, path, permission, query model, answer model. No route is made any other way.
- ``access`` is the one middleware: it finds the principal, asks ``core.access.may``, checks where a change comes from.
  ``sessions`` and ``pages.login`` let a browser in where a key is needed.
- ``period`` reads ``range`` and ``tz`` of a page's address: from when to when, and whose days and clocks.
- ``problems`` turns every error into one shape; ``headers`` puts the security headers on every answer.
- ``api`` holds the JSON routes and ``pages`` the HTML ones, one module a noun: ``app`` finds them by their folder, so a
  feature goes by deleting its files.
- ``recordings`` reads requests and bodies for both, ``conversations`` their trees and sessions;
  ``comparison`` says what changed from one request to another. ``trains`` says which
  trains a principal may see; each query carries them.
- ``openapi`` describes the JSON routes from their models; a test holds every answer against it.

A handler takes one ``Call`` and returns a pydantic model (JSON) or an aiohttp response (anything else).
"""
