"""
nano serves Workers-style JavaScript apps from one daemon, built on Twisted and V8.
"""

__version__ = "0.1.0"
