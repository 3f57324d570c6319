"""Packages: a function's source folder and its requirements, as the same zip everywhere.

In: a `Recipe` (source folder, runtime, architecture) and the folder of the project's cache.
Out: a `Package`, a zip whose name is its content; for local mode, the folders to put on the path.
Wrong input is a `PackagingError` (errors); this room imports nothing of the others, and nothing
before it is needed: half of what builds packages is not needed where nothing has changed.

    packages      Recipe -> Package, cached by content
    host          source folder -> import path for an interpreter of this machine
    tree          the files of a folder; ignore: which of them do not belong in a package
    requirements  what a folder requires; requirements_txt, locked (pyproject.toml with uv.lock):
                  its readers; reading: which of them
    installer     requirements and a platform (platforms) -> a folder; uv_command: uv, run;
                  reasons: what uv says, in one sentence
    archive       files -> zip bytes; limits: what Lambda accepts
    store         the cache; prune: the cache, kept within a size
    import_time   how long a handler's module takes to import here
"""
