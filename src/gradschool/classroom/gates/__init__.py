"""Proofs of the checks: machine-made wrong answers fall, machine-made right ones pass, promises have cases."""
