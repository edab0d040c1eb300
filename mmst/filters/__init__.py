"""What may be learned from: rules over single rows, and the filter that lists them."""
