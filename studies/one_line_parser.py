"""The parser of command lines under its former name."""

from core.one_line_parser import OneLineParser

__all__ = ["OneLineParser"]
