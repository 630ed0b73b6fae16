"""Checked facts about where the original came from; one kind a module."""
