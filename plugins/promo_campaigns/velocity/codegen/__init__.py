"""From the tree to one Python function."""
