"""Libraries that search: redis-om, redisvl, LangChain's vector store, LangGraph's checkpoints."""

from __future__ import annotations

import hashlib
import operator
import struct
from typing import Annotated, Any

import pytest

import fakeredis

URL = "redis://search.example:6379"
SIZE = 8


def embedded(text: str) -> list[float]:
    """A vector without a model: each word has a direction."""
    vector = [0.0] * SIZE
    for word in text.lower().split():
        for at, byte in enumerate(hashlib.sha256(word.encode()).digest()[:SIZE]):
            vector[at] += byte / 127.5 - 1
    return vector


def test_redis_om(fake: fakeredis.patch) -> None:
    om = pytest.importorskip("redis_om")

    class Customer(om.JsonModel, index=True):  # type: ignore[name-defined, misc]
        name: str = om.Field(index=True)
        age: int = om.Field(index=True, sortable=True)
        bio: str = om.Field(index=True, full_text_search=True)
        tags: list[str] = om.Field(index=True)

        class Meta:
            database = om.get_redis_connection(url=URL, decode_responses=True)

    om.Migrator().run()
    for name, age, bio, tags in (
        ("Ada", 36, "Wrote the first programs", ["maths"]),
        ("Alan", 41, "Broke codes and ran marathons", ["maths", "codes"]),
        ("Grace", 85, "Wrote compilers", ["codes"]),
    ):
        Customer(name=name, age=age, bio=bio, tags=tags).save()

    def names(*conditions: Any) -> list[str]:
        return [each.name for each in Customer.find(*conditions).sort_by("age").all()]

    assert names(Customer.age > 40) == ["Alan", "Grace"]
    assert names((Customer.name == "Ada") | (Customer.age == 85)) == ["Ada", "Grace"]
    assert names(Customer.bio % "wrote") == ["Ada", "Grace"]
    assert names(Customer.tags << "codes") == ["Alan", "Grace"]
    assert names(~(Customer.name == "Alan")) == ["Ada", "Grace"]
    assert Customer.find(Customer.age > 40).count() == 2
    Customer.delete(Customer.find(Customer.name == "Ada").first().pk)
    assert names() == ["Alan", "Grace"]


def test_redisvl(fake: fakeredis.patch) -> None:
    pytest.importorskip("redisvl")
    from redisvl.index import SearchIndex
    from redisvl.query import CountQuery, FilterQuery, VectorQuery, VectorRangeQuery
    from redisvl.query.filter import Num, Tag, Text

    index = SearchIndex.from_dict({
        "index": {"name": "hotels", "prefix": "hotel", "storage_type": "hash"},
        "fields": [
            {"name": "city", "type": "tag"},
            {"name": "stars", "type": "numeric", "attrs": {"sortable": True}},
            {"name": "about", "type": "text"},
            {"name": "at", "type": "vector", "attrs": {
                "dims": SIZE, "algorithm": "hnsw", "distance_metric": "cosine",
                "datatype": "float32",
            }},
        ],
    }, redis_url=URL)
    index.create(overwrite=True, drop=True)
    hotels = [
        ("h1", "Wien", 5, "Grand hotel with a spa"), ("h2", "Wien", 3, "Near the station"),
        ("h3", "Graz", 4, "Rooftop bar and spa"), ("h4", "Linz", 2, "Hostel by the river"),
    ]
    index.load([
        {"id": name, "city": city, "stars": stars, "about": about,
         "at": struct.pack(f"<{SIZE}f", *embedded(about))}
        for name, city, stars, about in hotels
    ], id_field="id")

    def found(query: Any) -> list[str]:
        return [each["id"].partition(":")[2] for each in index.query(query)]

    wanted = embedded("Rooftop bar and spa")
    assert found(VectorQuery(wanted, "at", num_results=1)) == ["h3"]
    few = Tag("city") == "Wien"
    assert found(VectorQuery(embedded("Near the station"), "at", filter_expression=few))[0] == "h2"
    assert found(VectorRangeQuery(wanted, "at", distance_threshold=0.01)) == ["h3"]
    text = FilterQuery(filter_expression=Text("about") % "spa", sort_by="stars")
    assert found(text) == ["h3", "h1"]
    assert index.query(CountQuery(Num("stars") > 2)) == 3
    index.delete(drop=True)
    assert not index.exists()


@pytest.mark.parametrize("storage", ["hash", "json"])
def test_langchain(fake: fakeredis.patch, storage: str) -> None:
    library = pytest.importorskip("langchain_redis")
    from langchain_core.embeddings import Embeddings
    from redisvl.query.filter import Num, Tag

    class Words(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [embedded(text) for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return embedded(text)

    store = library.RedisVectorStore(Words(), library.RedisConfig(
        index_name="notes", redis_url=URL, storage_type=storage,
        metadata_schema=[{"name": "area", "type": "tag"}, {"name": "rank", "type": "numeric"}],
    ))
    notes = [("Pay the rent", "home"), ("Buy some bread", "home"), ("Write the report", "work")]
    store.add_texts(
        [text for text, _ in notes],
        [{"area": area, "rank": rank} for rank, (_, area) in enumerate(notes)],
        keys=["n0", "n1", "n2"],
    )

    def texts(query: str, **more: Any) -> list[str]:
        return [each.page_content for each in store.similarity_search(query, **more)]

    assert texts("Buy some bread", k=1) == ["Buy some bread"]
    assert texts("Pay the rent", k=3, filter=Tag("area") == "work") == ["Write the report"]
    home = (Num("rank") > 0) & (Tag("area") == "home")
    assert texts("Pay the rent", k=3, filter=home) == ["Buy some bread"]
    ((best, score), *_) = store.similarity_search_with_score("Pay the rent", k=1)
    assert best.page_content == "Pay the rent"
    assert abs(float(score)) < 1e-6
    store.delete(["n0"])
    assert "Pay the rent" not in texts("Pay the rent", k=3)


def test_langgraph(fake: fakeredis.patch) -> None:
    library = pytest.importorskip("langgraph.checkpoint.redis")
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Command, interrupt
    from typing_extensions import TypedDict

    state: Any = TypedDict("state", {"words": Annotated[list, operator.add]})
    graph: Any = StateGraph(state)
    graph.add_node("first", lambda state: {"words": ["first"]})
    graph.add_node("ask", lambda state: {"words": [f"answer {interrupt('go on?')}"]})
    graph.add_edge(START, "first")
    graph.add_edge("first", "ask")
    graph.add_edge("ask", END)
    with library.RedisSaver.from_conn_string(URL) as saver:
        saver.setup()
        app = graph.compile(checkpointer=saver)
        thread: Any = {"configurable": {"thread_id": "t1"}}
        app.invoke({"words": ["start"]}, thread)
        assert app.get_state(thread).next == ("ask",)
        done = app.invoke(Command(resume="yes"), thread)
        assert done["words"] == ["start", "first", "answer yes"]
        steps = [each.metadata["step"] for each in app.get_state_history(thread)]
        assert steps == sorted(steps, reverse=True)
        assert len(list(saver.list(thread, limit=2))) == 2
        saver.delete_thread("t1")
        assert saver.get_tuple(thread) is None
