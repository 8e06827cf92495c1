"""The operator that releases the face blur service step by step and takes a bad version back."""
