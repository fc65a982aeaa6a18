"""The traced tier's child process: the real modelling and adapter code under fake tensors, no weights, no device."""
