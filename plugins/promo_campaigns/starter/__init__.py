"""A first project: DAGs, campaign files and a code inbox, put into one's own folder by ``promo init``.

A wheel holds the files beside this module; in a clone they are the folders ``dags`` and ``include``.
"""

__all__ = ["project"]
