"""Switch between greenlets, with an exception and in a thread."""

import threading

from greenlet import getcurrent, greenlet

seen = []


def child(value):
    seen.append(value)
    seen.append(getcurrent().parent.switch(value + 1))
    raise KeyError("out")


def run():
    g = greenlet(child)
    assert g.switch(1) == 2
    try:
        g.switch(3)
    except KeyError:
        seen.append("raised")


run()
thread = threading.Thread(target=run)
thread.start()
thread.join()
assert seen == [1, 3, "raised"] * 2, seen
