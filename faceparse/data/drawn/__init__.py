"""The faces that code draws."""
