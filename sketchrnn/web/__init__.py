"""The drawing page: its server, and the page as one file."""
