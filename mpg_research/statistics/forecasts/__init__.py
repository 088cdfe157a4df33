"""Forecasting one's own end, and how good forecasts are."""
