"""Which names texts may read: those of contact and code, and what ``fields.yaml`` and examples of answers declare.

A name that nothing can have is an error of the file that reads it, and not a text that customers read.
"""

__all__ = ["check", "declared", "store_check"]
