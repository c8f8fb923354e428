"""An authoritative name server for one zone whose answers depend on where the client is.

`wire` reads queries, `subnet` knows client subnets, `zone` builds answers, `authority` turns a
query into a reply, `server` carries both over UDP and TCP.
"""
