"""Quality and speed of orders and clusters, as ratios within one run: ``make bench``."""
