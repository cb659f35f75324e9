"""What readers are made of: formats that several share, and the parts of larger ones."""
