"""From the text of a template to a tree, and what the tree says without being rendered."""
