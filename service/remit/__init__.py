"""remit: PowerShell's sessions and just enough administration, for Linux and its systemd."""

__version__ = "0.1.0"
