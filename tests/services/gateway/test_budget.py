"""The hard budget of a session, over real HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from langchain_core.messages import HumanMessage

from ckit_daemon.core.errors import BudgetExceededError, ProviderError, ProviderUnavailableError
from ckit_daemon.services.assistant.gateway import ModelCall
from ckit_daemon.services.assistant.gateway.budget import Account
from ckit_daemon.services.assistant.records import Budget, Usage
from tests.support.gateways import ask, gateways
from tests.support.model_server import Reply, model_server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio

PRICES = {"models": {"scripted": {"inputPrice": 1.0, "outputPrice": 1_000_000.0}}}
LONG = Reply(text="word " * 500, usage=(5, 500))


async def test_a_call_is_refused_when_the_budget_is_used_up(tmp_path: Path) -> None:
    spent = Usage(input_tokens=60, output_tokens=40)
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, call=ModelCall(account=Account(Budget(max_tokens=100), spent)))
        assert isinstance(heard.error, BudgetExceededError)
        assert heard.error.details["maxTokens"] == 100
        assert server.calls == []


async def test_a_call_is_refused_whose_input_alone_is_too_much(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, "word " * 200, ModelCall(account=Account(Budget(max_tokens=100))))
        assert isinstance(heard.error, BudgetExceededError)
        assert server.calls == []


async def test_an_answer_is_stopped_when_it_runs_over_the_budget_of_tokens(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(LONG)
        async with gateways(tmp_path, {"test": server}) as built:
            heard = await ask(built.gateway, call=ModelCall(account=Account(Budget(max_tokens=60))))
            assert isinstance(heard.error, BudgetExceededError)
            assert 10 < len(heard.text.split()) <= 60
            assert heard.info.finish == "interrupted"
            assert heard.info.usage.estimated
            assert 50 < heard.info.usage.input_tokens + heard.info.usage.output_tokens <= 65
            await server.wait_idle()


async def test_an_answer_is_stopped_when_it_runs_over_the_budget_of_money(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(LONG)
        async with gateways(tmp_path, {"test": server}, provider=PRICES) as built:
            heard = await ask(built.gateway, call=ModelCall(account=Account(Budget(max_cost=20.0))))
            assert isinstance(heard.error, BudgetExceededError)
            assert heard.error.details["maxCost"] == 20.0
            assert heard.info.usage.cost == pytest.approx(21.0, abs=1.5)
            await server.wait_idle()


async def test_an_answer_within_the_budget_is_whole_and_the_model_remembers_what_it_took(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="Fine.", usage=(50, 30)))
        async with gateways(tmp_path, {"test": server}) as built:
            model = built.gateway.chat_model(ModelCall(account=Account(Budget(max_tokens=80))))
            assert (await model.ainvoke([HumanMessage("First")])).text == "Fine."
            with pytest.raises(BudgetExceededError):
                await model.ainvoke([HumanMessage("Second")])
        assert len(server.calls) == 1


async def test_what_was_given_up_or_broke_off_is_counted_as_well_as_it_can_be(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(
            Reply(text="One two three", stall_after=2), Reply(text="One two three", break_after=2), Reply(status=404)
        )
        async with gateways(tmp_path, {"test": server}, provider=PRICES) as built:
            call = ModelCall()
            model = built.gateway.chat_model(call)
            told = asyncio.Event()

            async def listen() -> None:
                async for chunk in model.astream([HumanMessage("word " * 50)]):
                    if chunk.text:
                        told.set()

            asking = asyncio.create_task(listen())
            await told.wait()
            asking.cancel()
            await asyncio.wait([asking])
            first = call.account.taken
            assert first.estimated
            assert 50 < first.input_tokens < 100
            assert 1 <= first.output_tokens <= 5
            assert first.cost == pytest.approx(first.output_tokens, rel=0.01)
            with pytest.raises(ProviderUnavailableError):
                await model.ainvoke([HumanMessage("Again")])
            second = call.account.taken
            assert second.output_tokens > first.output_tokens
            with pytest.raises(ProviderError):
                await model.ainvoke([HumanMessage("A third time")])
            assert call.account.taken == second


async def test_a_kept_answer_takes_nothing_of_the_budget(tmp_path: Path) -> None:
    with model_server() as server:
        server.enqueue(Reply(text="word " * 50))
        async with gateways(tmp_path, {"test": server}) as built:
            await ask(built.gateway)
            heard = await ask(built.gateway, call=ModelCall(account=Account(Budget(max_tokens=20))))
            assert heard.error is None
            assert heard.info.cached


async def test_a_model_without_a_price_is_bound_by_tokens_alone(tmp_path: Path) -> None:
    with model_server() as server:
        async with gateways(tmp_path, {"test": server}) as built:
            assert (await ask(built.gateway, call=ModelCall(account=Account(Budget(max_cost=0.0))))).error is None


async def test_an_account_sums_what_is_spent_and_what_runs() -> None:
    account = Account(Budget(max_tokens=100), Usage(input_tokens=50, output_tokens=0))
    account.begin(20, lambda _: None)
    account.watch(30)
    with pytest.raises(BudgetExceededError):
        account.watch(1)
    await account.settle(Usage(input_tokens=10, output_tokens=5))
    account.begin(30, lambda _: None)
    await account.settle(account.running())
    with pytest.raises(BudgetExceededError):
        account.begin(6, lambda _: None)
