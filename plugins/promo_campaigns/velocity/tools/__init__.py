"""The tools of the language, by the names of VelocityTools: `$esc`, `$math`, `$number`, `$date`."""
