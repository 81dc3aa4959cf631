"""Flask: Flask-Caching, Flask-Session and the limiter slowapi shares with Flask's (limits)."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

flask = library("flask")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "redis://cache.example:6400/2"
SESSIONS = redis.Redis.from_url(URL)


def cached_application() -> Any:
    flask_caching = library("flask_caching")
    app = flask.Flask("shop")
    cache = flask_caching.Cache(
        app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": URL, "CACHE_KEY_PREFIX": "app:"}
    )
    views: list[int] = []

    @app.route("/")
    @cache.cached(timeout=30)
    def index() -> str:
        views.append(1)
        return f"view {len(views)}"

    @cache.memoize(60)
    def double(number: int) -> int:
        views.append(number)
        return 2 * number

    app.cache, app.views_seen, app.double = cache, views, double
    return app


@pytest.fixture(scope="module")
def before() -> Any:
    return cached_application()


@pytest.mark.parametrize("made", ["before", "inside"])
def test_caching(made: str, before: Any, fake: fakeredis.patch) -> None:
    app = before if made == "before" else cached_application()
    app.views_seen.clear()
    web = app.test_client()
    assert [web.get("/").text for _ in range(2)] == ["view 1", "view 1"]
    fake.assert_called_command("SET", "app:view//", fakeredis.ANY, "EX", 30, times=1, db=2)
    fake.advance(31)
    assert web.get("/").text == "view 2"
    with app.app_context():
        assert [app.double(4), app.double(4)] == [8, 8]
        assert app.views_seen.count(4) == 1
        app.cache.delete_memoized(app.double)
        assert app.double(4) == 8
        assert app.views_seen.count(4) == 2
        assert app.cache.clear()
    assert web.get("/").text == "view 5"


def test_caching_without_its_server(before: Any, fake: fakeredis.patch) -> None:
    fake.down()
    with before.app_context(), pytest.raises(redis.ConnectionError):
        before.cache.get("k")
    fake.up()
    with before.app_context():
        assert before.cache.get("k") is None


@pytest.mark.parametrize("client", [SESSIONS, None], ids=["before", "inside"])
def test_sessions(client: Any, fake: fakeredis.patch) -> None:
    flask_session = library("flask_session")
    app = flask.Flask("shop")
    app.config.update(
        SESSION_TYPE="redis", SESSION_REDIS=client or redis.Redis.from_url(URL),
        PERMANENT_SESSION_LIFETIME=60,
    )
    flask_session.Session(app)

    @app.route("/visit")
    def visit() -> str:
        flask.session["visits"] = flask.session.get("visits", 0) + 1
        return str(flask.session["visits"])

    web = app.test_client()
    assert [web.get("/visit").text for _ in range(3)] == ["1", "2", "3"]
    fake.assert_ttl("session:*", at_most=60)
    assert app.test_client().get("/visit").text == "1"
    fake.advance(61)
    assert web.get("/visit").text == "1"
