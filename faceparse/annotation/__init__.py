"""Landmarks and label maps for people to correct."""
