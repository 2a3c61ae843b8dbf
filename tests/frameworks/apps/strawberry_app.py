"""Strawberry: GraphQL, in a FastAPI app."""

from __future__ import annotations

from collections.abc import AsyncGenerator  # noqa: TC003 - Strawberry reads annotations at run time

import strawberry
from fastapi import FastAPI
from strawberry.fastapi import GraphQLRouter

from tests.frameworks.apps import shop


@strawberry.type
class Query:
    """A field for each action."""

    @strawberry.field
    async def child(self, n: str) -> str:
        """In the loop."""
        return shop.child(n)

    @strawberry.field
    def handled(self, n: str) -> str:
        """Not a coroutine."""
        return shop.handled(n)

    @strawberry.field
    async def fail(self, n: str) -> str:
        """Fails."""
        return shop.fail(n)

    @strawberry.field
    async def slow(self, n: str) -> str:
        """Waits."""
        return await shop.slow_async(n)

    @strawberry.field
    async def background(self, n: str) -> str:
        """Goes on later."""
        return await shop.background_async(n)


@strawberry.type
class Subscription:
    """What goes over a websocket."""

    @strawberry.subscription
    async def stream(self, n: str) -> AsyncGenerator[str, None]:
        """Several answers."""
        async for part in shop.stream_async(n):
            yield part.decode()


app = FastAPI()
app.include_router(
    GraphQLRouter(strawberry.Schema(Query, subscription=Subscription)), prefix="/graphql"
)
