"""One module a library: a process, in the environment of that library, that answers requests on standard input."""
