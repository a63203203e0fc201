"""The records of counted runs, the published numbers beside them, and the page that shows both."""
