"""
Tests of the HTTP fronts.
"""
