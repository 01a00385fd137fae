"""The trained models and how they are run: a sentence encoder with its heads, linear models, boosted trees."""
