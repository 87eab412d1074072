"""Tests of the X Protocol."""
