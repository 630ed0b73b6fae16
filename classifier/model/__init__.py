"""Features, score and training of the model; scikit-learn only in train and evaluate."""
