"""The doctor: goes the whole way of a record, and says of each part whether it does what it should."""
