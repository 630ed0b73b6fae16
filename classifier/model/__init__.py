"""The model as plain data, what it looks at, and how it is applied: pure Python."""
