"""Figures of the operator's core: how sure, how quick and how cheap its decisions are."""
