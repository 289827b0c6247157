"""What GitHub tells us, made into what to look at again. Pure: bytes and values in, values out."""
