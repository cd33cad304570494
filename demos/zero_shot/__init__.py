"""Zero-shot classification: which of my labels is this, why, and what if I give three examples?"""
