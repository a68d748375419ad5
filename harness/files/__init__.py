"""The files that a user names: reading them within bounds, writing them whole or not at all."""
