"""The page on which a drawing is begun and finished: its server, and the same page as one file."""
