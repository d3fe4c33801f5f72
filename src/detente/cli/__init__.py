"""The command line. It parses, calls and prints; no number is computed here."""
