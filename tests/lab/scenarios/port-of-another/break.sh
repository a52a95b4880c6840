# PostgreSQL's port is wished to be HTTP's: refused, and the boolean is named instead.
true
