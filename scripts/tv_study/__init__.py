"""The study behind docs/total-variation.md: effects of the TV weight and the TV form.

Run it with ``python -m scripts.tv_study``. It needs the extra ``report``, for the charts.
"""
