"""The routes, a module a page; each offers its ``router``, and ``app`` puts them together."""
