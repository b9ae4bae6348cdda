"""The command: options and their texts, exit codes, what is printed. Nothing imports it."""
