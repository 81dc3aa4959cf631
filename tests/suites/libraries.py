"""The suites that `run` knows: what each needs, and what is left out of it for which reason."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """A library's test suite.

    Args:
        name: what `run` calls it.
        version: of the library.
        tests: the paths that hold its tests, in its source distribution.
        requires: what else is installed for it.
        args: more arguments for pytest.
        options: more options of ``fakeredis run``.
        deselected: tests that are left out, each with the reason; a prefix stands for several.
        env: environment variables that it is configured by.
        stubs: folders of ``stubs`` that stand for what the source distribution lacks.
        separate: whether each of ``tests`` is a run of its own.
        addresses: the servers that exist; what connects elsewhere is refused. Empty: all do.
        folder: the folder in the source distribution where pytest is started.
        seconds: how long it may take.
        distribution: the library's name as a package, where that is another.
    """

    name: str
    version: str
    tests: list[str]
    requires: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    deselected: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    stubs: list[str] = field(default_factory=list)
    separate: bool = False
    addresses: list[str] = field(default_factory=lambda: ["localhost:6379"])
    folder: str = "."
    seconds: int = 1200
    distribution: str = ""

    @property
    def package(self) -> str:
        """What pip calls it."""
        return self.distribution or self.name


CHINESE = "Chinese texts are not cut into words"
OWN_SOCKETS = "plays the server at a socket of its own, or puts a proxy before it"
PARSER = "puts a mock in the place of a method of the system's sockets or asyncio's streams"
EXACT = "is about an approximate index, its graph and what it misses; the search is exact here"
REAL_TOO = "fails with a real server, too"
CERTIFICATES = "needs certificates, which the source distribution lacks"
MAINTENANCE = "tests/maint_notifications/test_"
RACE = "tests/test_asyncio/test_"

PYTEST = ["pytest", "pytest-timeout"]
ASYNC = [*PYTEST, "pytest-asyncio"]
LIMIT = ["--timeout=60", "--timeout-method=signal", "-q", "-o", "addopts="]
LOOPS = [*LIMIT, "-o", "asyncio_default_fixture_loop_scope=function"]

# Scenarios want a whole cluster with proxies.
IGNORED_OF_REDIS_PY = [
    f"--ignore={folder}/test_scenario" for folder in ("tests", "tests/test_asyncio")
]
SUITES = [
    Suite(
        "redis-py", "8.1.0", ["tests"], distribution="redis",
        requires=[*ASYNC, "pytest-cov", "pytest-mock", "numpy", "cachetools", "ujson", "xxhash",
                  "pybreaker", "PyJWT", "redis-entraid==1.2.1", "aiohttp", "packaging",
                  "opentelemetry-api", "opentelemetry-sdk", "mock", "shapely"],
        args=[*LIMIT, *IGNORED_OF_REDIS_PY,
              "-m", ("not ssl and not onlycluster and not cp_integration"
                     " and not multidb_integration and not replica")],
        addresses=["localhost:6379", "localhost:6479", "localhost:26379", "localhost:26380",
                   "localhost:26381"],
        options=["--config", "enable-module-command", "yes"],
        deselected={
            f"{MAINTENANCE}cluster_maint_notifications_handling.py": OWN_SOCKETS,
            f"{MAINTENANCE}async_cluster_maint_notifications_handling.py": OWN_SOCKETS,
            "tests/test_connect.py": OWN_SOCKETS,
            f"{RACE}connect.py": OWN_SOCKETS,
            f"{RACE}cwe_404.py": OWN_SOCKETS,
            "tests/test_connection.py::TestConnection::test_connect_with_retries": PARSER,
            f"{RACE}connection.py::test_connection_disconect_race": PARSER,
            f"{RACE}connection.py::test_connect_with_retries": PARSER,
            "tests/test_parsers/test_errors.py::TestErrorParsing": OWN_SOCKETS,
            "tests/test_cache.py::TestSSLCache": CERTIFICATES,
            "tests/test_observability/test_cluster_metrics_error_handling.py":
                "puts a mock in the place of the cluster's nodes, of which there are fake ones",
            "tests/test_vsets.py::test_vsim_with_filter": EXACT,
            f"{RACE}vsets.py::test_vsim_with_filter": EXACT,
            "tests/test_vsets.py::test_add_elem_with_numlinks": EXACT,
            f"{RACE}vsets.py::test_add_elem_with_numlinks": EXACT,
            f"{RACE}sentinel.py::test_get_sentinels": "asks a server that is no Sentinel",
            f"{RACE}sentinel.py::test_get_master_addr_by_name":
                "asks a server that is no Sentinel",
            **{
                f"{folder}search.py::TestSearchLanguages::test_search_chinese_tokenization": CHINESE
                for folder in ("tests/test_", RACE)
            },
            "tests/test_multiprocessing.py::TestMultiprocessing::test_close_connection_in_child":
                "a forked child uses its parent's own connection, which it has to make anew here",
            "tests/test_commands.py::TestRedisCommands::test_auth":
                "credentials are accepted where the server has no users of its own",
        },
        seconds=2400,
    ),
    Suite(
        "valkey-py", "6.2.0", ["tests"], distribution="valkey",
        options=["--server-type=valkey"],
        requires=[*ASYNC, "mock", "cachetools", "packaging", "ujson"],
        args=[*LIMIT, "-m", "not valkeymod and not ssl and not onlycluster and not replica"],
        seconds=1800,
    ),
    Suite("rq", "3.0.0", ["tests"], requires=[*PYTEST, "psutil"], args=LIMIT),
    Suite(
        "celery", "5.7.0", ["t/integration"],
        requires=["celery[redis]", *PYTEST, "pytest-celery", "pytest-rerunfailures",
                  "pytest-subtests", "pytest-click", "pytest-order", "freezegun", "django",
                  "cryptography", "pydantic", "sqlalchemy", "msgpack", "PyYAML"],
        args=["--timeout=300", "-q", "-o", "addopts=", "--ignore=t/integration/test_backend.py"],
        env={"TEST_BROKER": "redis://", "TEST_BACKEND": "redis://"}, seconds=2400,
        deselected={
            "t/integration/test_connection_recovery.py::test_reconnect_cleanup_": OWN_SOCKETS,
            "t/integration/test_connection_recovery.py::test_cold_shutdown_": OWN_SOCKETS,
            "t/integration/test_backend.py": "needs Azure",
        },
    ),
    Suite(
        "kombu", "5.7.0", ["t/unit/transport/test_redis.py", "t/integration/test_redis.py",
                           "t/integration/test_redis_brpop_qos.py"], separate=True,
        requires=["kombu[redis]", *PYTEST, "hypothesis", "Pyro4", "pytest-freezer"],
        args=LIMIT,
        deselected={
            "t/integration/test_redis.py::test_RedisBrpopHealthCheck": OWN_SOCKETS,
            "t/integration/test_redis.py::test_failed_credentials":
                "credentials are accepted where the server has no users of its own",
            "t/integration/test_redis_brpop_qos.py::test_hub_pauses_pending_brpop_until_ack[nil]":
                OWN_SOCKETS,
        },
    ),
    Suite("huey", "3.5.4", ["huey/tests"], requires=[*PYTEST, "redis"], args=LIMIT),
    Suite(
        "arq", "0.28.0", ["tests"], stubs=["containers"],
        requires=["pytest==8.4.2", "pytest-timeout", "pytest-asyncio==0.23.6", "redis>=5,<6",
                  "msgpack", "dirty-equals", "pydantic", "watchfiles", "pytest-mock",
                  "pytest-pretty", "pytz", "tzdata"],
        # Its lock file has redis-py 4; from 5 on that warns of this name, which is an error here.
        args=[*LIMIT, "-W", "ignore:Call to deprecated close:DeprecationWarning"],
    ),
    Suite(
        "channels-redis", "4.3.0", ["tests"],
        requires=["channels-redis[cryptography]", *ASYNC, "async-timeout"], args=LIMIT,
        addresses=["localhost:6379", "localhost:26379"],
    ),
    Suite(
        "django-redis", "7.0.0", ["tests"],
        requires=["django-redis[hiredis,lz4,msgpack,pyzstd]", *PYTEST, "pytest-mock",
                  "pytest-xdist", "pytest-cov"],
        args=["--timeout=60", "-q", "-o", "addopts=--doctest-modules"],
        deselected={
            "tests/test_backend.py::TestDjangoRedisCache::"
            "test_delete_pattern_with_settings_default_scan_count": REAL_TOO,
        },
    ),
    Suite(
        "limits", "5.8.0", ["tests"], stubs=["docker"], addresses=[],
        env={"ASYNC_REDIS_IMPLEMENTATION": "redispy"},
        requires=["limits[redis,rediscluster,valkey,async-redis,async-valkey]", *ASYNC, "hiro",
                  "flaky", "pytest-lazy-fixtures", "pytest-mock", "PyYAML", "pymemcache",
                  "pymongo", "motor", "coredis", "emcache", "pytest-benchmark",
                  "setuptools<81"],
        args=[*LOOPS, "-p", "docker_stub", "-m",
              "not benchmark and not memcached and not mongodb"],
    ),
    Suite(
        "python-redis-lock", "4.0.1", ["tests"], stubs=["server"],
        requires=[*PYTEST, "django", "django-redis", "process-tests", "gevent", "eventlet"],
        args=["--timeout=120", "-q"],
        env={"DJANGO_SETTINGS_MODULE": "test_project.settings", "PYTHONPATH": "tests"},
        addresses=[],
    ),
    Suite(
        "flask-caching", "2.5.1", ["tests"], stubs=["server"], folder=".",
        requires=["flask[async]", *ASYNC, "pytest-xprocess", "redis", "asgiref"], args=LOOPS,
        deselected={"tests/test_init.py::test_init_nullcache[MemcachedCache]": "needs memcached"},
        addresses=["localhost:6360"],
    ),
    Suite("cachelib", "0.17.0", ["tests"], requires=[*PYTEST, "pytest-xprocess", "redis", "valkey"],
          args=[*LIMIT, *(f"--ignore=tests/test_{name}_cache.py" for name in
                          ("mongodb", "dynamodb", "memcached", "uwsgi"))],
          env={"CI": "true"}, addresses=["localhost:6360", "localhost:6370"]),
    Suite(
        "dogpile.cache", "1.5.0", ["tests/cache/test_redis_backend.py",
            "tests/cache/test_valkey_backend.py", "tests/cache/test_redis_sentinel_backend.py",
            "tests/cache/test_valkey_sentinel_backend.py"],
        requires=["dogpile.cache[redis,valkey]", *PYTEST, "mako"], args=["--timeout=60"],
        env={"DOGPILE_REDIS_PORT": "6379", "DOGPILE_VALKEY_PORT": "6379",
             "DOGPILE_REDIS_SENTINEL_PORT": "26379", "DOGPILE_VALKEY_SENTINEL_PORT": "26379"},
        addresses=["localhost:6379", "localhost:26379"],
    ),
    Suite("aiocache", "0.12.3", ["tests/ut", "tests/acceptance"],
          requires=["aiocache[redis,memcached,msgpack]", *ASYNC, "pytest-mock", "marshmallow"],
          # Written for redis-py 4: what later ones warn of is an error here.
          args=[*LOOPS, "-W", "ignore:Call to deprecated:DeprecationWarning",
                "-k", "not memcached"]),
    Suite("walrus", "0.9.8", ["walrus/tests/__init__.py"], requires=[*PYTEST, "redis"], args=LIMIT),
    Suite("pottery", "3.0.1", ["tests"], requires=ASYNC,
          args=[*LOOPS, "-o", "asyncio_mode=auto"], stubs=["pottery"], deselected={
              "tests/test_base.py::TestCommon::test_randomkeyerror_repr": REAL_TOO,
              "tests/test_dict.py::test_keyexistserror_repr": REAL_TOO,
              "tests/test_redlock.py::TestRedlock::test_releaseunlockedlock_repr": REAL_TOO,
          }),
    Suite("celery-redbeat", "2.4.2", ["tests"], requires=[*PYTEST, "pytz"], args=LIMIT),
    Suite("redlock-py", "1.0.8", ["tests"], requires=PYTEST, args=LIMIT),
    Suite("pyrate-limiter", "4.5.1", ["tests"],
          requires=[*ASYNC, "redis", "filelock", "psycopg[binary,pool]", "httpx", "aiohttp",
                    "requests", "schedule"], args=LIMIT),
    Suite("portalocker", "4.4.2", ["portalocker_tests"], requires=[*PYTEST, "redis"], args=LIMIT),
    Suite("saq", "0.26.4", ["tests"], stubs=["saq"],
          requires=["saq[redis,postgres,web,http]", *ASYNC, "croniter", "time-machine", "pandas"],
          args=LIMIT, deselected={
              "tests/test_worker.py::TestHttpRedis::test_cron": REAL_TOO,
              "tests/test_worker.py::TestHttpRedis::test_noop": REAL_TOO,
              "tests/test_worker.py::TestHttpRedis::test_sweep_abort": REAL_TOO,
          }),
    Suite("dramatiq", "2.2.1", [f"tests/test_{name}.py" for name in
                                ("redis", "results", "barrier", "bucket_rate_limiter",
                                 "concurrent_rate_limiter", "window_rate_limiter")],
          stubs=["dramatiq"], requires=["dramatiq[redis]", *PYTEST, "pytest-benchmark"],
          args=LIMIT),
]
