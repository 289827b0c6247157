"""What users really got: the ledger of slices, and everything read off it. Pure."""
