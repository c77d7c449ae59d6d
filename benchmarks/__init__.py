"""
Measurements: how nano does, beside other hosts of the same apps, in one run on one machine.
"""
