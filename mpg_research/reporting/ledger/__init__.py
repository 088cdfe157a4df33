"""What was released to whom: a record on this machine, with which each new release is compared."""
