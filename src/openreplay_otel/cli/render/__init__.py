"""What people and programs read of the commands: lines, tables, JSON and CSV."""
