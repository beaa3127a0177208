"""Figures as SVG: values in, markup out. No I/O, no database, no request; the same values give the same bytes.

- ``figure`` is what every chart is wrapped in: its finding in words, its drawing, its key and the table behind it.
- ``table`` holds that table and writes it as CSV; ``palette`` gives each name its colour, pattern and letter.
- ``axis`` finds round ticks; ``bars`` stacks them over time, ``heat`` is hour by weekday, ``histogram`` counts,
  ``meter`` is one share, ``curve`` a use over its window, ``spark`` a line without axes,
  ``rise`` what adds up, ``strip`` a whole and its parts, ``waterfall`` parts of it one below the other.

Horizontal places are percents, vertical ones pixels: a drawing takes the width it is given and its words keep their
size. Colours are classes, so both themes and forced colours hold; none says anything that a pattern, a letter, a size
or the table does not say too. Nothing is drawn with more than ``axis.MOST_MARKS`` marks.
"""
