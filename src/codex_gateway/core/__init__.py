"""The small language that every room speaks: pure values and rules, standard library only."""
