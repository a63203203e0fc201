"""What measures speed: each script compares its contenders in one run, by turns, and keeps ratios."""
