"""The rows in the order in which they are run and printed."""
from rows.peers import Augtool, Runbook
from rows.points import Points

ROWS = (
    Points(),
    Runbook(),
    Augtool(),
)
