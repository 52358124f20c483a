"""The values a template meets while it renders, their methods, and the budget of a render."""
