"""The parts of the benchmark of GPUs: each measures something that only a GPU can show."""
