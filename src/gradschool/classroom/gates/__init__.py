"""Proofs of checks: machine-made wrong answers fall, machine-made right ones pass, promises have cases."""
