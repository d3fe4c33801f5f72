"""Solvers: fixed points, Newton-Krylov, linear adjoints. They know nothing of trade."""
