"""Pictures that Pillow alone reads wrongly or not at all."""
