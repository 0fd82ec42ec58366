"""The check: the learner's function in a process of its own, judged from outside, one typed outcome."""
