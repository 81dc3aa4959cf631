"""XXH3: the hashes of the algorithm's own implementation, for each way in which sizes differ."""

from __future__ import annotations

import pytest

from fakeredis.datatypes.xxh3 import digest, pure_xxh3_64

# Of the bytes 0, 1, 2 ... 250, 0 ..., so many of them; from the reference implementation.
VECTORS = {
    0: 0x2D06800538D394C2, 1: 0xC44BDFF4074EECDB, 3: 0x5F4299FC161C9CBB, 4: 0x60DAB036A58211F2,
    8: 0x3A1C2D7C85AF88F8, 9: 0xE9612598145BB9DC, 16: 0x8355E3A6F61770DB, 17: 0x9EF341A99DE37328,
    32: 0x3523581FE96E4C05, 128: 0x85C6174C7FF4C46B, 129: 0xEC7642B431BA3E5A,
    240: 0x375A384D957FE865, 241: 0x02E8CD95421C6D02, 1024: 0xE5D78BAFA45B2AA5,
    1025: 0xE95C42288F28186E, 4096: 0x7135FFA504F1BC71,
}


@pytest.mark.parametrize(("size", "expected"), VECTORS.items())
def test_as_the_reference(size: int, expected: int) -> None:
    assert pure_xxh3_64(bytes(at % 251 for at in range(size))) == expected


def test_digest_is_written_with_all_its_digits() -> None:
    assert digest(b"Hello world") == b"b6acb9d84a38ff74"  # the example of the command's page
    text = (
        b"v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj"
        b"7626sd"
    )
    assert digest(text) == b"00006c38adf31777"
    xxhash = pytest.importorskip("xxhash")
    assert digest(text) == xxhash.xxh3_64_hexdigest(text).encode()
