"""Mask pictures: the regions that their colours divide a picture into."""
