raise RuntimeError("init is broken")
