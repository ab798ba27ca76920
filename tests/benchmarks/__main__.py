"""`python -m tests.benchmarks [sink] [launch] [stream]`: figures as ratios, for they hold on other machines too."""

import sys
from collections.abc import Callable

from tests.benchmarks import launch, sink, stream

ALL: dict[str, Callable[[], None]] = {"sink": sink.main, "launch": launch.main, "stream": stream.main}

for name in sys.argv[1:] or ALL:
    print(f"\n== {name}")
    ALL[name]()
