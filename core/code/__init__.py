"""The code that runs: what is installed and imported, what others may name, its version, and where errors arise."""
