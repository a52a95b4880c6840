"""The rows in the order in which they are run and printed."""
from rows.cuts import Cuts
from rows.errors import Errors
from rows.flips import Flips
from rows.lint import Lint
from rows.live import Live
from rows.pairs import Pairs
from rows.peers import Augtool, Runbook
from rows.planted import Planted
from rows.points import Points
from rows.races import Races

ROWS = (
    Points(),
    Pairs(),
    Errors(),
    Cuts(),
    Lint(),
    Planted(),
    Flips(),
    Races(),
    Live(),
    Runbook(),
    Augtool(),
)
