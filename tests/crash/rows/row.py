"""What a row of the table is.

A row is one class in one file here, and one line in table.py. `cases` names everything it would try, each by a text
that --at takes; `attempt` tries one of them and raises Failed where it was not survived. It gives None, or
(tried, survived) where one case is many, or (tried, survived, [tag, ...]): `words` makes the second line of the row of
the counted tags.
"""
import random


class Row:
    name = ""   # of --only, and in the table
    about = ""
    unit = "survived"  # what the second number counts
    compared = False   # somebody else's way, for comparison: what it does not survive is no failure

    def cases(self, bench, long):
        raise NotImplementedError

    def attempt(self, bench, case):
        raise NotImplementedError

    def words(self, counted):
        return ""

    def close(self, bench):
        """What attempt left open in this worker."""


def sample(things, count):
    """Spread evenly, the first and the last one among them; the same ones each time."""
    things = list(things)
    if len(things) <= count:
        return things
    if count == 1:
        return things[:1]
    return [things[round(i * (len(things) - 1) / (count - 1))] for i in range(count)]


def dice(name):
    """Chance that falls the same way each time."""
    return random.Random(name)
