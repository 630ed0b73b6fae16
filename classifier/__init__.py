"""Tell bounces of forged mail from genuine ones, and move the forged out of the way."""
