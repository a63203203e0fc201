"""Tests of the captions of pictures."""
