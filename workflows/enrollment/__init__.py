"""Enrollment: from a clerk's messy file to cover."""
