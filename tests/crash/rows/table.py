"""The rows in the order in which they are run and printed."""
from rows.peers import Augtool, Runbook
from rows.points import Points
from rows.races import Races

ROWS = (
    Points(),
    Races(),
    Runbook(),
    Augtool(),
)
