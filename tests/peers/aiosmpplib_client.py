"""An ESME for tests made of PyPI aiosmpplib: `aiosmpplib_client.py HOST PORT MODE` (trx, tx or rx) binds,
submits, receives, unbinds, and prints one JSON line with what came of it."""
import asyncio
import codecs
import json
import os
import struct
import sys

from aiosmpplib import ESME, PhoneNumber, SubmitSm
from aiosmpplib.hook import AbstractHook
from aiosmpplib.protocol import EnquireLink
from aiosmpplib.retrytimer import AbstractRetryTimer
from aiosmpplib.state import NPI, TON, BindMode

host, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
expect_blocked = int(os.environ.get("EXPECT_BLOCKED") or 69)
result = {"peer": "aiosmpplib", "mode": mode, "bound": False, "submits": [], "mo": 0, "receipts": 0,
          "receipts_to": [], "enquire_link": False, "unbound": False}

SUBMIT_SM, SUBMIT_SM_RESP = 0x00000004, 0x80000004
BIND_RESPS = (0x80000001, 0x80000002, 0x80000009)
DELIVER_SM, DELIVER_SM_RESP = 0x00000005, 0x80000005
ENQUIRE_LINK_RESP, UNBIND_RESP, GENERIC_NACK = 0x80000015, 0x80000006, 0x80000000

# The library has a name for data_coding 4 but no codec for it; this one takes text as octets.
BINARY = "octet_unspecified_II"
binary_codec = codecs.CodecInfo(
    lambda text, errors="strict": codecs.latin_1_encode(text, errors),
    lambda octets, errors="strict": codecs.latin_1_decode(octets, errors), name=BINARY)


def fail(why):
    print(f"aiosmpplib: {why}; so far: {json.dumps(result, separators=(',', ':'))}", file=sys.stderr, flush=True)
    os._exit(1)


class Hook(AbstractHook):
    """Notes what the library sends and receives, from the octets of each PDU."""

    def __init__(self):
        self.sent = {}  # log_id -> sequence numbers of its submit_sm PDUs
        self.answers = {}  # sequence number -> status of the submit_sm_resp
        self.delivers_answered = 0

    async def sending(self, smpp_message, pdu, client_id):
        command, = struct.unpack_from("!I", pdu, 4)
        if command == SUBMIT_SM:
            self.sent.setdefault(smpp_message.log_id, []).append(smpp_message.sequence_num)
        elif command == DELIVER_SM_RESP:
            self.delivers_answered += 1

    async def received(self, smpp_message, pdu, client_id):
        command, status, sequence = struct.unpack_from("!III", pdu, 4)
        if command in BIND_RESPS:
            if status:
                fail(f"bind answered with status {status}")
            result["bound"] = True
        elif command in (SUBMIT_SM_RESP, GENERIC_NACK):
            self.answers[sequence] = status
        elif command == ENQUIRE_LINK_RESP:
            result["enquire_link"] = status == 0
        elif command == UNBIND_RESP:
            result["unbound"] = status == 0
        elif command == DELIVER_SM:
            if smpp_message.esm_class & 0x3C == 4 and "stat:DELIVRD" in smpp_message.short_message:
                result["receipts"] += 1
                result["receipts_to"].append(smpp_message.destination.number)
            elif "mo hello" in smpp_message.short_message:
                result["mo"] += 1

    async def send_error(self, smpp_message, error, client_id):
        fail(f"{smpp_message.log_id}: could not be sent: {error!r}")


class NoRetry(AbstractRetryTimer):
    """A lost or refused connection ends the test instead of being tried again."""

    def next_delay(self):
        return 0.0

    def reset(self):
        pass

    async def wait(self):
        fail("connection refused or lost")


async def until(what, seconds, condition):
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        fail(f"no {what} within {seconds} s")


async def main():
    hook = Hook()
    esme = ESME(
        smsc_host=host, smsc_port=port, system_id="peer-aiosmpplib", password="pw",
        bind_mode={"trx": BindMode.TRANSCEIVER, "tx": BindMode.TRANSMITTER, "rx": BindMode.RECEIVER}[mode],
        # A receiver cannot be told to send an enquire_link, so there the interval is made short.
        enquire_link_interval=1.0 if mode == "rx" else 25.0,
        hook=hook, retry_timer=NoRetry(), custom_codecs={BINARY: binary_codec}, log_level="CRITICAL")

    async def submit(what, expected, text, parts=1, **more):
        more.setdefault("registered_delivery", 0)
        await esme.broker.enqueue(SubmitSm(
            short_message=text, source=PhoneNumber("12345", TON.UNKNOWN, NPI.UNKNOWN),
            destination=PhoneNumber("66812345678", TON.INTERNATIONAL, NPI.ISDN), log_id=what, **more))

        def answered():
            sent = hook.sent.get(what, [])
            return len(sent) == parts and all(s in hook.answers for s in sent)

        await until(f"answer to {what}", 10, answered)
        status = next((hook.answers[s] for s in hook.sent[what] if hook.answers[s]), 0)
        result["submits"].append({"what": what, "status": status})
        if status != expected:
            fail(f"{what}: status {status}, expected {expected}")

    task = asyncio.create_task(esme.start())
    task.add_done_callback(lambda t: t.exception() and fail(f"library: {t.exception()!r}"))
    await until("bind", 10, lambda: result["bound"])
    if mode != "rx":
        await submit("short", 0, "tapis short 5€ @ noon", registered_delivery=1)
        # esm_class 0x40 without auto_message_payload makes the library split the text by UDH.
        await submit("long", 0, "tapis long message " * 16, parts=2, esm_class=0x40, auto_message_payload=False)
        await submit("ucs2", 0, "ทดสอบ 测试")
        await submit("binary", 0, "\x00\x01\x02\xfe\xff", encoding=BINARY)
        await submit("tagged", 0, "please tapis-tag-me now", registered_delivery=1)
        await submit("blocked", expect_blocked, "please tapis-block-me now")
        # The words to be blocked lie across the cut.
        text = "blocked long " * 11 + "tapis-block-me" + " blocked long" * 5
        await submit("blocked long", expect_blocked, text, parts=2, esm_class=0x40, auto_message_payload=False)
        # A text that is too long for short_message goes into message_payload.
        text = "tapis long message " * 16 + "please tapis-block-me now"
        await submit("blocked in message_payload", expect_blocked, text)
    if mode != "tx":
        await until("MO message and receipts", 10, lambda: result["mo"] and
                    result["receipts"] >= (2 if mode == "trx" else 1) and
                    hook.delivers_answered >= result["mo"] + result["receipts"])
    if mode != "rx":
        await esme.broker.enqueue(EnquireLink())
    await until("answer to enquire_link", 10, lambda: result["enquire_link"])
    # stop() drops its only reference to the stream writer, which closes the connection before the answer
    # to its unbind is read; this second reference keeps it open until then.
    writer = esme._writer
    await esme.stop()
    await until("answer to unbind", 5, lambda: result["unbound"])
    await task
    writer.close()


async def bounded():
    async with asyncio.timeout(30):
        await main()


try:
    asyncio.run(bounded())
except TimeoutError:
    fail("not done within 30 s")
except Exception as e:
    fail(f"{type(e).__name__}: {e}")
print(json.dumps(result, separators=(",", ":")), flush=True)
