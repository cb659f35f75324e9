"""What may leave: redaction, overlap with private writing, the gate and the egress log."""
