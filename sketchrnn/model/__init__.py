"""The network, the mixture it returns, and the file both live in.

``configuration``, ``checkpoint`` and ``numpy_network`` need NumPy only; ``network`` and what it is made of need torch.
"""
