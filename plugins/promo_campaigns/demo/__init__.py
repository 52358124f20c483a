"""The demo, bin/demo: the whole product on one machine."""
