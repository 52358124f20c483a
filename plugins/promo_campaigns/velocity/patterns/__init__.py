"""Regular expressions of `java.util.regex`, matched in time linear in the text."""
