"""What the pytest plugin does, once it is used; see :mod:`harness.pytest_plugin`."""
