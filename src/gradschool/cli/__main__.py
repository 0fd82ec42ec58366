"""`python -m gradschool.cli`, which is also what torchrun starts on every process."""

from gradschool.cli.main import main

main()
