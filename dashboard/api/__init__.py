"""The JSON routes of api.md, one module a noun. ``app`` finds every module here and serves the routes it declares."""
