"""Scripts that make the shipped data from the raw tables; nothing else imports them."""
