"""The records of counted runs, the published numbers beside them, and the page that shows both."""

from core.code.installed import refuse_incomplete_python

refuse_incomplete_python()
