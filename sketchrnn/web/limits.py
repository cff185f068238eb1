"""What one request may ask for. A page asks for far less; whoever wants more has the command line."""

BODY_BYTES = 1_000_000
"""Of a request; its points take a tenth."""
HEAD_SECONDS = 10.0
"""Until a new connection's first request must have begun, its headers complete."""
BODY_SECONDS = 10.0
"""Until a request's body must have arrived."""
STROKES = 500
POINTS = 1_000
"""Of a prefix, all strokes together: five times a long Quick, Draw! drawing."""
COORDINATE = 1e6
"""Largest absolute value, in the model's units."""
COUNT = 20
"""Completions of one request."""
MAX_POINTS = 1_000
"""New points of one completion."""
CHOOSE_FROM = 10
"""Drawn for each that is returned."""
WORK_SECONDS = 20.0
"""Of drawing, for one request."""
WAITING = 64
"""Requests that wait for a thread to draw; one more is turned away."""
WAIT_SECONDS = 60.0
"""A request that waited longer is turned away."""
CONNECTIONS = 512
"""Open at once; one more is turned away."""
