"""Sentences and phrases that say what a document holds."""
