"""Whose credential it was: what is learned later corrects what was filed before, without rewriting a row."""

from dataclasses import replace

import pytest

from core.models import AccountEvidence
from proxy.recorder.accounts import Accounts
from sql.database import Database

Connection = "asyncpg.Connection[asyncpg.Record]"
A, B = "a" * 32, "b" * 32
NAMED = """
SELECT coalesce(m.account_id, a.account_id) FROM accounts AS a LEFT JOIN accounts AS m ON m.account = a.merged_into
WHERE a.account = $1"""


def by_hmac(credential: str) -> AccountEvidence:
    """A login that is known by nothing but itself."""
    return AccountEvidence(f"oauth-{credential[:12]}", "oauth", credential, "hmac")


def by_organization(credential: str) -> AccountEvidence:
    """A login whose response named its organization."""
    return AccountEvidence("org-1", "oauth", credential, "organization")


def by_uuid(credential: str, uuid: str) -> AccountEvidence:
    """A login whose request named its account."""
    return AccountEvidence(uuid, "oauth", credential, "account_uuid")


@pytest.fixture
def accounts(database: Database) -> Accounts:
    """Accounts without a memory of earlier tests."""
    return Accounts(database)


async def number(accounts: Accounts, evidence: AccountEvidence) -> int:
    """The account a call with this evidence is filed under."""
    found = await accounts.number(evidence)
    assert found is not None
    return found


async def test_a_key_is_its_own_account(accounts: Accounts, connection: Connection) -> None:
    """An API key's HMAC names it for good."""
    evidence = AccountEvidence(f"key-{A[:12]}", "api_key", A, "api_key")
    filed = await number(accounts, evidence)
    assert await number(accounts, evidence) == filed
    assert await connection.fetchval(NAMED, filed) == f"key-{A[:12]}"


async def test_a_provisional_account_is_renamed(accounts: Accounts, connection: Connection) -> None:
    """The first stronger evidence gives the account its name; rows filed before bear it at once."""
    before = await number(accounts, by_hmac(A))
    after = await number(accounts, by_uuid(A, "uuid-a"))
    assert before == after
    assert await connection.fetchval(NAMED, before) == "uuid-a"
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 1


async def test_a_provisional_account_is_merged_into_the_one_that_is_there(
    accounts: Accounts, connection: Connection
) -> None:
    """A rotated token of a known login: its early rows are read as that login's."""
    known = await number(accounts, by_uuid(A, "uuid-a"))
    before = await number(accounts, by_hmac(B))
    assert before != known
    assert await number(accounts, by_uuid(B, "uuid-a")) == known
    assert await connection.fetchval(NAMED, before) == "uuid-a"
    assert await number(accounts, replace(by_hmac(B), kind="oauth")) in {before, known}


async def test_people_of_one_organization_stay_apart(accounts: Accounts, connection: Connection) -> None:
    """Two logins first seen with their organization only: each one's rows go to its own account later."""
    first, second = await number(accounts, by_organization(A)), await number(accounts, by_organization(B))
    assert [await connection.fetchval(NAMED, filed) for filed in (first, second)] == ["org-1", "org-1"]
    await number(accounts, by_uuid(A, "uuid-a"))
    assert [await connection.fetchval(NAMED, filed) for filed in (first, second)] == ["uuid-a", "org-1"]
    await number(accounts, by_uuid(B, "uuid-b"))
    assert [await connection.fetchval(NAMED, filed) for filed in (first, second)] == ["uuid-a", "uuid-b"]


async def test_weaker_evidence_changes_nothing(accounts: Accounts, database: Database, connection: Connection) -> None:
    """A count_tokens call without metadata goes to the account that the credential is known to be of."""
    known = await number(accounts, by_uuid(A, "uuid-a"))
    for evidence in (by_organization(A), by_hmac(A)):
        assert await number(Accounts(database), evidence) == known
    assert await connection.fetchval(NAMED, known) == "uuid-a"


async def test_merging_never_makes_a_chain(accounts: Accounts, connection: Connection) -> None:
    """Readers follow merged_into once: whatever the order of the evidence, that is enough."""
    orders = [
        [by_hmac(A), by_organization(A), by_organization(B), by_uuid(A, "u"), by_uuid(B, "u")],
        [by_organization(A), by_uuid(B, "u"), by_hmac(A), by_uuid(A, "u"), by_organization(B)],
    ]
    for order in orders:
        for evidence in order:
            await number(accounts, evidence)
    chained = "SELECT count(*) FROM accounts AS a JOIN accounts AS b ON b.account = a.merged_into"
    assert await connection.fetchval(f"{chained} WHERE b.merged_into IS NOT NULL") == 0


async def test_what_is_no_hmac_files_nothing(accounts: Accounts, connection: Connection) -> None:
    """A tape of another make must not make the row impossible."""
    assert await accounts.number(AccountEvidence("x", "oauth", "not hex", "hmac")) is None
    assert await accounts.number(None) is None
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 0
