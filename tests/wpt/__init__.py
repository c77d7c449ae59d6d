"""
Web Platform Tests on the real engine, held against committed expectations.
"""
