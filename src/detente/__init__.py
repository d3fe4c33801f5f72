"""detente: a trade-policy laboratory.

    import detente as dt

    world = dt.load_world()                      # 77 countries x 23 sectors, 2022
    policy = dt.Policy(world, tariff=...)        # what is not named stays as it is
    out = dt.simulate(world, policy)             # Outcome
    out.real_income                              # percent, dim country

What is public is listed in ``__init__.pyi``, for type checkers as for the import; names are loaded
when first used, so that the import itself costs little.
"""

from __future__ import annotations

import lazy_loader

from detente.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
