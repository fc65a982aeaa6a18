"""One screen a step of the journey."""
