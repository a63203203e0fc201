"""Weights to start from, in the forms in which people save them."""
