"""The trade war day by day: the law of every change date, and what it does."""
