"""What researchers do without any service: make data sets, judge them by the reference, draw them."""
