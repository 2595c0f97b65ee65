"""What a message is: addresses, header fields, MIME parts, the text a reader sees, SMTP replies. Pure values."""
