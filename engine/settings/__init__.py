"""From a command line and config files to checked settings, with one line for each mistake."""
