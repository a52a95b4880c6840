"""The rows in the order in which they are run and printed."""
from rows.points import Points

ROWS = (
    Points(),
)
