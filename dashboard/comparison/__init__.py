"""Two requests compared: what changed of options, tools, system and messages, line by line and within lines.

- ``alignment`` pairs the parts of two sequences, bounded in size and time. difflib is cubic on hostile text, so it is
  only given what stands between lines that occur once on either side, and only while there is time.
- ``lines`` writes any JSON value as lines that people read, secrets masked, base64 named by its size and hash.
- ``changes`` compares lines, ``requests`` two request bodies; ``budget`` says how much is shown, the rest is counted.
- ``stored`` finds the two requests among those that the caller may see, ``answers`` is the shape of the JSON API.
"""
