"""What `predict` prints and writes: tables and pictures, of one process or of several."""
