"""Inputs made to break the readers: what is made, what must hold, and what once broke them."""
