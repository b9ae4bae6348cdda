"""Frames painted steadily, each from the last result: folders of frames, and videos."""
