"""Answers to the items of TRIPOD+AI and CLAIM."""
