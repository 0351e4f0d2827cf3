"""Forecast: how many contacts the half hours of the next days will bring, from those that came."""
