"""Training with torch: data, models and recipes. Nothing outside this room imports torch."""
