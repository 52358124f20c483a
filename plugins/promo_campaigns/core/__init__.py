"""Models, rules and campaign logic: standard library only."""
