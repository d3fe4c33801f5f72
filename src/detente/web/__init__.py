"""The live page: the same chain as the library, in a browser, on loopback.

Pages are rendered on the server; small scripts redraw what a slider moves. Every page has a JSON
twin under ``/api``. No number is computed here.
"""
