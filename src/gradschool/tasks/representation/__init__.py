"""Tasks that learn encoders without labels."""
