"""What the gateway costs, measured beside what it stands on, in one run; figures are medians and ratios."""
