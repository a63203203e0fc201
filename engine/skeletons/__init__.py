"""Beginnings of what people add in a folder of their own."""
