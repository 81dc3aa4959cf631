"""The server's own binary format of values (RDB): what DUMP replies and what its files hold.

A pure codec: bytes in, values out, and back; who reads and writes files is outside.

- `checksum`: CRC-64; `lzf`: the compression of strings; `compact`: listpack and its kin.
- `reading` and `writing`: values; `streams`: those of one type.
- `payload`: what DUMP and RESTORE exchange; `files`: whole files.
"""
