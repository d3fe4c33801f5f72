"""Caliendo and Parro (2015) in relative changes: equations, kernels, linearisation, step."""
