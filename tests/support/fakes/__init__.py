"""One fake per port; each passes the same contract test as the real adapter."""
