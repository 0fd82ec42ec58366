"""No step function has a twin here: a run's fast optimisers are torch.optim's own, as in engine/optim.py."""
