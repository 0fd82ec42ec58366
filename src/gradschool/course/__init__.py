"""The content of the course: one folder a chapter, no logic."""
