# -*- test-case-name: tests.test_tap -*-
"""
What twistd imports of every installed project, at each start: therefore nothing but a name.
"""

from twisted.application.service import ServiceMaker

nano = ServiceMaker("nano", "nano.tap", "Serve Workers-style JavaScript apps.", "nano")
