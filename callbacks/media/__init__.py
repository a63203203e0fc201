"""What a run draws or writes for people to look at."""
