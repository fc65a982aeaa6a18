"""The child process that trains: one readable file an objective. Never imported by the interface."""
