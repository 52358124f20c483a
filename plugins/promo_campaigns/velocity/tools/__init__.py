"""The tools of the language, by the names of VelocityTools: `$esc`, `$math`, `$number`, `$date`, `$barcode`."""

__all__ = ["barcode_tool", "barcodes"]
