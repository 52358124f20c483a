"""The blocks of a workflow."""
