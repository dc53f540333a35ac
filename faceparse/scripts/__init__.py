"""Code that the three scripts share: options and exit codes."""
