"""Tables, figures and folders of results. No number is computed here."""
