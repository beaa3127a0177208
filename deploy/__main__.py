"""`python -m deploy` is the `footplate` command."""

from deploy.cli import main

main()
