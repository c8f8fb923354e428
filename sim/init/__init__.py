"""`sim init`: from the files of a repository to the files of a first verdict.

Each finder (`fly`, `compose_file`, `dockerfile`, `procfile`, `node`, `python`, `golang`, `jvm`) is
pure: a file's text in, `Facts` out. `look` reads the folder, `repository` says whose word counts,
and `starter` writes.
"""
