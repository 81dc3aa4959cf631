"""Tests of the spy."""
