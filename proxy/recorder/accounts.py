"""Which account paid: what credentials are known to belong to, corrected backwards without rewriting a row.

A credential seen only by its HMAC, or only with its organization, is filed under a provisional account of its own:
an organization has many people, and only the credential tells their rows apart. When the organization is known the
provisional account is merged into the organization's; when the account's uuid is known it is renamed to that, or
merged into the account that bears it already. Rows keep the number they were filed under, readers follow
``merged_into`` once, so every earlier row is corrected at once.

This happens in a transaction of its own, before the train's: accounts belong to the whole installation, and taking
them under a train's lock could deadlock with another train's. All of it may be done twice.
"""

import re
from collections import OrderedDict

from core.models import AccountEvidence
from proxy import log
from proxy.recorder.readable import text
from sql.database import Database, Transaction
from sql.errors import PoisonRowError
from sql.rows.record import AccountKnown

PROVISIONAL = "hmac"
MEMORY = 10_000
"""Pieces of evidence remembered with their account."""
_HMAC = re.compile(r"[0-9a-f]{32}")


class Accounts:
    """Turns evidence into account numbers. What is remembered stays right: a number never changes its person."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memory: OrderedDict[AccountEvidence, int] = OrderedDict()

    async def number(self, evidence: AccountEvidence | None) -> int | None:
        """The account to file a call under. Raises DatabaseAwayError."""
        if evidence is None:
            return None
        known = self._memory.get(evidence)
        if known is not None:
            if len(self._memory) > MEMORY // 2:  # else nothing is forgotten for long, and this hashes it again
                self._memory.move_to_end(evidence)
            return known
        if _HMAC.fullmatch(evidence.credential_hmac) is None:
            return None
        try:
            async with self._database.transaction() as transaction:
                await transaction.execute("record_lock_accounts")
                account = await _file(transaction, evidence)
        except PoisonRowError as exc:
            # The account must not cost the call its record.
            log.write_failure("account_refused", exc)
            return None
        self._memory[evidence] = account
        if len(self._memory) > MEMORY:
            self._memory.popitem(last=False)
        return account


async def _file(transaction: Transaction, evidence: AccountEvidence) -> int:
    known = await transaction.fetch_one("record_account_of_credential", AccountKnown, evidence.credential_hmac)
    if evidence.strength in {"account_uuid", "api_key"}:
        return await _settle(transaction, evidence, known)
    if known is not None and known.strength != PROVISIONAL:
        return known.account
    if known is None:
        known = await _named(transaction, _provisional_id(evidence), evidence, PROVISIONAL)
        await transaction.execute("record_map_credential", evidence.credential_hmac, known.account)
    if evidence.strength == "organization":
        organization = await _named(transaction, _id(evidence), evidence, evidence.strength)
        await transaction.execute("record_merge_account", known.account, organization.account)
    return known.account


async def _settle(transaction: Transaction, evidence: AccountEvidence, known: AccountKnown | None) -> int:
    """The account is named beyond doubt: correct what was filed under the credential's provisional one."""
    if known is None or known.strength != PROVISIONAL:
        account = (await _named(transaction, _id(evidence), evidence, evidence.strength)).account
        if known is None:
            await transaction.execute("record_map_credential", evidence.credential_hmac, account)
        return account
    there = await transaction.fetch_one("record_account_exists", AccountKnown, _id(evidence))
    if there is None:
        await transaction.execute("record_rename_account", known.account, _id(evidence), evidence.strength)
        return known.account
    if there.account != known.account:
        await transaction.execute("record_merge_account", known.account, there.account)
    await transaction.execute("record_map_credential", evidence.credential_hmac, there.account)
    return there.account


async def _named(transaction: Transaction, account_id: str, evidence: AccountEvidence, strength: str) -> AccountKnown:
    account = await transaction.fetch_one("record_account_named", AccountKnown, account_id, evidence.kind, strength)
    if account is None:
        raise AssertionError("an account is there or was made: the accounts are locked")
    return account


def _id(evidence: AccountEvidence) -> str:
    return text(evidence.account_id, 128)


def _provisional_id(evidence: AccountEvidence) -> str:
    """What a credential is called while nothing but itself is known."""
    return f"{'key' if evidence.kind == 'api_key' else 'oauth'}-{evidence.credential_hmac[:12]}"
