"""Tests of engine/skeletons."""
