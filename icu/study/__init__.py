"""Studies without any service: simulated data sets, their scorecard beside the reference, and pictures."""
