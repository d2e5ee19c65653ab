"""Everything the five earlier systems offered, as their documents wrote it."""
