"""Takes what a run made to other people's software: one file a target, heavy parts only in the child process."""
