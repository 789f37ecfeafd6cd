"""One module a side: a child process, in the environment of that side, that answers requests on standard
input.
"""
