"""Row classes, one module per query file: frozen dataclasses, one field per column, same names, same order."""
