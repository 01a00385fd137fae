"""Never finishes its import, and takes no hint."""

import signal
import threading

signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Event().wait()
