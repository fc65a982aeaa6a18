"""The hands and the face of tuner: command line, terminal app, runs, training."""

__version__ = "0.1.0"
