"""A trained network behind a page and a JSON endpoint, on this machine alone."""
