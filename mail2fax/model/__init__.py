"""The words and tables of the house: values every room shares. Standard library only."""
