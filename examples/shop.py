"""A small shop that keeps its carts, stock and best sellers in Redis.

It knows nothing of fakeredis.  With a server on localhost it runs as it is; without one::

    python -m fakeredis run --spy examples/shop.py
"""

import redis

CART_LIFETIME = 30 * 60  # seconds


def add_to_cart(r: redis.Redis, user: str, item: str, number: int) -> None:
    """Put articles into a user's cart, which is forgotten after half an hour."""
    with r.pipeline() as pipe:
        pipe.hincrby(f"cart:{user}", item, number)
        pipe.expire(f"cart:{user}", CART_LIFETIME)
        pipe.execute()


def check_out(r: redis.Redis, user: str) -> int:
    """Sell what is in the cart; returns how many articles were sold."""
    sold = 0
    with r.lock("stock", timeout=5):
        for item, number in r.hgetall(f"cart:{user}").items():
            r.decrby(f"stock:{item}", int(number))
            r.zincrby("best-sellers", int(number), item)
            sold += int(number)
        r.delete(f"cart:{user}")
    return sold


def main() -> None:
    """Sell a few things and print the best sellers."""
    r = redis.Redis(decode_responses=True)
    r.mset({"stock:tea": 20, "stock:cup": 5})
    add_to_cart(r, "ada", "tea", 3)
    add_to_cart(r, "ada", "cup", 1)
    print(check_out(r, "ada"), "articles sold, left:", r.mget("stock:tea", "stock:cup"))
    print("best sellers:", r.zrevrange("best-sellers", 0, -1, withscores=True))


if __name__ == "__main__":
    main()
