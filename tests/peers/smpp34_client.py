"""An ESME for tests made of PyPI smpp34: `smpp34_client.py HOST PORT MODE` (trx, tx or rx) binds,
submits, receives, unbinds, and prints one JSON line with what came of it."""
import asyncio
import json
import os
import sys

import smpp34

host, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
expect_blocked = int(os.environ.get("EXPECT_BLOCKED") or 69)
# Skipped: the library sends enquire_link by a timer of its own (much longer than this test takes)
# and answers those it gets, but its Python interface has no call to send one.
result = {"peer": "smpp34", "mode": mode, "bound": False, "submits": [], "mo": 0, "receipts": 0, "receipts_to": [],
          "enquire_link": "skipped: the library has no call for it", "unbound": False}


def as_json():
    return json.dumps(result, separators=(",", ":"))


def fail(why):
    print(f"smpp34: {why}; so far: {as_json()}", file=sys.stderr, flush=True)
    os._exit(1)


async def receive(session):
    """Waits for one mobile-originated message, and for the receipts that were asked for; the library answers them."""
    while result["mo"] < 1 or result["receipts"] < (2 if mode == "trx" else 1):
        event = await session.next()
        if isinstance(event, smpp34.Disconnected):
            fail("connection lost while waiting for messages")
        if event.esm_class & 0x3C == 4 and b"stat:DELIVRD" in event.short_message:
            result["receipts"] += 1
            result["receipts_to"].append(event.destination_addr)
        elif b"mo hello" in event.short_message:
            result["mo"] += 1


async def main():
    client = smpp34.Client(host, port, "peer-smpp34", "pw", bind_type=mode.upper(), connect_timeout_ms=10000)
    session = await client.connect()
    result["bound"] = True

    async def submit(what, expected, parts, **more):
        status = 0
        for part in parts:
            resp = await session.submit_sm(
                "66812345678", part, source_addr="12345", dest_addr_ton=1, dest_addr_npi=1, **more)
            status = status or resp.command_status
        result["submits"].append({"what": what, "status": status})
        if status != expected:
            fail(f"{what}: status {status}, expected {expected}")

    if mode != "rx":
        def parts(text, reference):
            return [bytes((5, 0, 3, reference, 2, i)) + p for i, p in enumerate([text[:153], text[153:]], 1)]

        # The library takes octets: the text is in GSM 03.38, where the euro is 1b 65 and the at sign is 00.
        await submit("short", 0, [b"tapis short 5\x1b\x65 \x00 noon"], registered_delivery=1)
        await submit("long", 0, parts(b"tapis long message " * 16, 42), esm_class=0x40)
        await submit("ucs2", 0, ["ทดสอบ 测试".encode("utf-16-be")], data_coding=8)
        await submit("binary", 0, [b"\x00\x01\x02\xfe\xff"], data_coding=4)
        await submit("tagged", 0, [b"please tapis-tag-me now"], registered_delivery=1)
        await submit("blocked", expect_blocked, [b"please tapis-block-me now"])
        # The words to be blocked lie across the cut.
        text = b"blocked long " * 11 + b"tapis-block-me" + b" blocked long" * 5
        await submit("blocked long", expect_blocked, parts(text, 43), esm_class=0x40)
        payload = smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, b"tapis long message " * 9 + b"please tapis-block-me now")
        await submit("blocked in message_payload", expect_blocked, [b""], tlvs=[payload])
    if mode != "tx":
        try:
            await asyncio.wait_for(receive(session), 10)
        except TimeoutError:
            fail("no MO message and receipts within 10 s")
    await session.unbind()
    result["unbound"] = True
    await client.stop()


async def bounded():
    await asyncio.wait_for(main(), 30)


try:
    asyncio.run(bounded())
except TimeoutError:
    fail("not done within 30 s")
except Exception as e:
    fail(f"{type(e).__name__}: {e}")
print(as_json(), flush=True)
# The library's threads may abort the interpreter while it shuts down, so there is no shutting down.
os._exit(0)
