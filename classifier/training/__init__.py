"""Fit, retrain and measure models: scikit-learn, joblib and NumPy live here, and nothing that judges imports it."""
