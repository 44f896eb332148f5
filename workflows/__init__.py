"""The office's deeds: one file per domain word."""
