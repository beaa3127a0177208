"""``/api/requests`` on the real app and a real Postgres."""


async def test_smoke(client, seeded):
    """All seeded calls are listed."""
    answer = await client.get("/api/requests")
    body = await answer.json()
    assert answer.status == 200, body
    assert {row["id"] for row in body["requests"]} == {str(request_id) for request_id in seeded.values()}
    for name, request_id in seeded.items():
        answer = await client.get(f"/api/requests/{request_id}")
        assert answer.status == 200, (name, await answer.text())
