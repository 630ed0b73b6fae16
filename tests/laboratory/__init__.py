"""A laboratory: real mail servers in a network of their own write reports about genuine and forged mail, to be judged.

``python -m tests.laboratory`` runs it; see ``__main__``.
"""
