"""The processes of a run: their devices, memory and threads, their signals, and how they find and lose each other."""
