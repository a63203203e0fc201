"""What a run shows to people: one kind of plot, text or table a file, and the sink that writes them."""
