"""Protocols: what general code needs from models and data modules, which it checks with isinstance."""
