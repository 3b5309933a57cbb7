"""``python -m gateway.app``: the way into a child process, which gateway.app.child is."""

import gc
import sys
from importlib import import_module

if __name__ == "__main__":
    # What is imported stays: looking through it for garbage was a tenth of the time that a start takes.
    gc.disable()
    sys.exit(import_module("gateway.app.child").main(sys.argv[1:]))
