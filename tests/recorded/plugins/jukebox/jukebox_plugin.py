raise RuntimeError("the jukebox needs a coin")
