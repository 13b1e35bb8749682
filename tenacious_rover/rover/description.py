def load_rover(x):
    return None
