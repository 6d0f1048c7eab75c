"""The protocol without I/O: bytes to frames, frames to messages, and whose turn it is."""
