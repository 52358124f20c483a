"""The commands of ``promo``, one module each: what is typed after ``promo`` is the module's name.

Each holds ``app``, to which it adds its commands. They import drivers and stores inside their functions, so that
``promo --help`` stays quick. They return an ``ExitStatus`` and print through ``Output``.
"""
