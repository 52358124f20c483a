"""Velocity templates compiled to Python functions."""
