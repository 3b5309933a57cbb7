"""What is given up: then nothing is said of a text, and a footer is added."""


class Doubtful(Exception):
    """What would take too long to find out; the message says what."""
