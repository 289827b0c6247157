"""The pages a person clicks."""
