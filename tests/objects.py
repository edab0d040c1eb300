"""A stand-in for an object store, as bad as the worst: nothing is renamed, listings are kept, creation is not exclusive."""

from dataclasses import replace

from fsspec.implementations.memory import MemoryFileSystem

from mmst.ledger.store import Store


class Objects(MemoryFileSystem):
    """Objects in memory. `fails`: called with the name of each call and its path; raises what the network would."""

    protocol = "s3"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        self.store, self.pseudo_dirs, self.listings = {}, [], {}
        self.fails = lambda call, path: None

    def _open(self, path, mode="rb", **options):
        self.fails("read" if mode == "rb" else "write", path)
        return super()._open(path, mode.replace("x", "w"), **options)

    def pipe_file(self, path, value, mode="overwrite", **options):
        super().pipe_file(path, value)

    def put_file(self, lpath, rpath, **options):
        with open(lpath, "rb") as file:  # noqa: PTH123
            self.pipe_file(rpath, file.read())

    def rm_file(self, path):
        self.fails("remove", path)
        if path in self.store:
            super().rm_file(path)

    def ls(self, path, detail=True, **options):
        self.fails("list", path)
        if path not in self.listings:
            self.listings[path] = super().ls(path, detail=True)
        return self.listings[path] if detail else [found["name"] for found in self.listings[path]]

    def invalidate_cache(self, path=None):
        self.listings.clear()

    def mv(self, *arguments, **options):
        raise NotImplementedError("an object store renames nothing")

    def makedirs(self, path, exist_ok=False):
        raise AssertionError("this would make a bucket")


def objects(waits=()):
    """A store in such objects, which nobody else has."""
    return Store(Objects(), "/bucket/ledger", "s3://bucket/ledger", "/cache", waits)


def impatient(store, *waits):
    """The same store, with these pauses before what failed is tried again."""
    return replace(store, waits=waits)
