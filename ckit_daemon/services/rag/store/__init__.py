"""The vector store: Chroma, in a process of its own.

Measured with chromadb 1.5.9, Chroma can't be used in the daemon's own process. Adding 64 vectors keeps the lock of the
interpreter for 40 ms, in which no request is answered. Files that a crash or a disk has damaged can end the process by
a segmentation fault. And its settings are read from `.env` of the current folder, which is somebody's repository, and
from the environment. So it runs in a child: `process.py` is that child, `calls.py` what is said between the two, and
`replica.py` the daemon's side. When a child ends unexpectedly, its files count as damaged, and are filled again from
the cache of vectors.
"""
