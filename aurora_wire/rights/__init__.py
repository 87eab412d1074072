"""What root's rights are kept for, and files made in folders that others can write to."""
