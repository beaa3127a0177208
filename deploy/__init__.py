"""Ways to run Footplate: the command line and the supervisor for one machine.

- ``cli`` is the `footplate` command. It imports nothing heavy until a command runs, so help is instant.
- ``settings`` reads the environment and the flags, and says what children are given.
- ``roles`` is the table of processes: how each is started, told to stop, and how long that may take.
- ``supervisor`` starts them, restarts what dies and stops them in order; ``processes`` starts and watches one.
- ``postgres`` is the embedded server, a direct unprivileged child; ``database`` makes it ready: started, migrated.
- ``folder`` owns the data folder: modes, and the lock that keeps a second supervisor out.
- ``preflight`` checks secret and tape, ``listening`` the ports, before anything starts.
- ``health`` asks the processes how they are.
- ``announcement`` is what `up` prints.

The supervisor holds no data and no request passes through it. It starts processes with `python -m` and never
imports the proxy or the dashboard. If it is killed, the kernel ends its children (PR_SET_PDEATHSIG); the tape then has
everything an answer was given for.
"""
