"""The tests are a package so that they can share builders (`tests.conversations`)."""
