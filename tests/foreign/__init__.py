"""Models and data modules of another package, through the command and the trainer."""
