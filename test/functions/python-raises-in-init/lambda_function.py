def load():
    raise ValueError("no model")


load()
