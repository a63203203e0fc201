"""What a terminal shows and what is typed into it: lines, tables, warnings and options."""
