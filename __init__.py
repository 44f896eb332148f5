"""Huigong (惠工): trade-union mutual aid and inclusive services.

Kept free of imports: a test runner may import the checkout's root a second time.
"""
