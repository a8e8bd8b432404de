"""The map: where one optimizer beats another on a family of stochastic problems with dials."""
