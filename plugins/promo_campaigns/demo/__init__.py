"""What bin/demo runs: every part of the product on one machine."""
