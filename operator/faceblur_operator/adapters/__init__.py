"""The ports made real: one technology per file; library errors end here."""
