"""Pages of HTML that hold all that they show: they need no other file and no network."""
