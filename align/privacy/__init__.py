"""What may leave: redaction, repeated private text, the egress gate and its log."""
