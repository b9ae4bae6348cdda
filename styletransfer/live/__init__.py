"""The page that shows a running job and steers it; needs the extra ``live``."""
