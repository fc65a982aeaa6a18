"""The brain of tuner: facts in, advice out. Pure: no torch, no textual, no network, no clock."""
