"""What another package may hold: plain Lightning classes, written without knowledge of this project."""
