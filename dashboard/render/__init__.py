"""Recorded content made safe to look at: values in, markup out. No I/O, no database, no request.

Everything recorded is hostile. So: text is escaped by markupsafe, never by hand; Markdown is parsed with raw HTML and
images off and then sanitised (``markdown``, the only module that trusts somebody else's markup); hidden characters
become chips (``hidden``); secrets are masked before anything else sees the text (``secrets``).

- ``hidden`` escapes text; ``ansi`` colours it; ``long_text`` folds it; ``code`` highlights it; ``markdown`` formats it.
- ``json_view`` is a foldable tree of any JSON, also of JSON no parser likes; ``image`` knows pictures by their bytes.
- ``blocks`` turns one content block into a ``Block``, ``messages`` a transcript into ``Message``s; ``tools`` knows
  the tools that deserve better than a table, ``reminders`` what a client put into a text.
- ``transcript`` cuts what each request added out of one body, ``thread`` draws a window of a conversation from that.
- ``graph`` words a conversation's lines, ``gutter`` draws their lanes, ``spark`` is its thumbnail; ``links`` says why a
  request is linked.
- ``headline`` says in plain words how a call ended; ``waterfall`` draws its timing; ``stream`` lists its chunks.
- ``figures`` writes numbers, sizes and times, these in the page's ``zone``; ``cache`` remembers rendered text by its
  hash, within a bound; ``pool`` runs all of this off the event loop.

Each cut says what was cut and where the rest is (rule N1). Templates lay out what comes from here; they do not decide.
"""
