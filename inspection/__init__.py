"""What a trained network has learned: one view of it a file, and the command `inspect` that shows them on a page."""
