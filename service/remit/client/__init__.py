"""The client: a thin library for sessions on any host, and the command line on it."""
