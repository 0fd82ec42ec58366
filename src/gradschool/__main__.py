"""`python -m gradschool`: the command line."""

from gradschool.cli.main import main

main()
