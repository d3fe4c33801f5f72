"""Small changes to the code, to see whether the tests beside it notice."""
