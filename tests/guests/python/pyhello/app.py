"""A skill written in Python, for the tests of components that import much and need nothing."""

import os
import sys

import wit_world


class WitWorld(wit_world.WitWorld):
    def greet(self, name: str) -> str:
        return f"Hello, {name}!"

    def surroundings(self) -> list[str]:
        found = [f"{name}={value}" for name, value in os.environ.items()]
        found += sys.argv[1:]
        try:
            found += os.listdir("/")
        except OSError:
            pass
        return found
