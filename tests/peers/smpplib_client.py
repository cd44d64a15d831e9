"""An ESME for tests made of PyPI smpplib: `smpplib_client.py HOST PORT MODE` (trx, tx or rx) binds,
submits, receives, unbinds, and prints one JSON line with what came of it."""
import json
import logging
import os
import signal
import sys
import time

import smpplib.client
import smpplib.consts
import smpplib.gsm

host, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
expect_blocked = int(os.environ.get("EXPECT_BLOCKED") or 69)
result = {"peer": "smpplib", "mode": mode, "bound": False, "submits": [], "mo": 0, "receipts": 0,
          "receipts_to": [], "enquire_link": False, "unbound": False}
logging.getLogger("smpplib").addHandler(logging.NullHandler())
logging.disable(logging.WARNING)


def fail(why):
    print(f"smpplib: {why}; so far: {json.dumps(result, separators=(',', ':'))}", file=sys.stderr, flush=True)
    os._exit(1)


signal.signal(signal.SIGALRM, lambda *_: fail("not done within 30 s"))
signal.alarm(30)
client = smpplib.client.Client(host, port, timeout=10, allow_unknown_opt_params=True)
answers = {}  # sequence number -> status of the submit_sm_resp


def on_message(pdu):
    text = pdu.short_message or b""
    if pdu.esm_class & 0x3C == 4 and b"stat:DELIVRD" in text:
        result["receipts"] += 1
        result["receipts_to"].append(pdu.destination_addr.decode())
    elif b"mo hello" in text:
        result["mo"] += 1
    return smpplib.consts.SMPP_ESME_ROK  # the library answers with this status


def on_status(pdu):
    answers[pdu.sequence] = pdu.status


client.set_message_received_handler(lambda pdu: on_message(pdu))
client.set_message_sent_handler(on_status)
client.set_error_pdu_handler(on_status)


def submit(what, expected, parts, coding, esm_class=0, receipt=0, field="short_message"):
    sent = []
    for part in parts:
        pdu = client.send_message(
            source_addr="12345", dest_addr_ton=1, dest_addr_npi=1, destination_addr="66812345678",
            data_coding=coding, esm_class=esm_class, registered_delivery=receipt, **{field: part})
        sent.append(pdu.sequence)
    while not all(s in answers for s in sent):
        client.read_once(auto_send_enquire_link=False)
    status = next((answers[s] for s in sent if answers[s]), 0)
    result["submits"].append({"what": what, "status": status})
    if status != expected:
        fail(f"{what}: status {status}, expected {expected}")


def receive():
    """Waits for one mobile-originated message, and for the receipts that were asked for."""
    end = time.monotonic() + 10
    while result["mo"] < 1 or result["receipts"] < (2 if mode == "trx" else 1):
        left = end - time.monotonic()
        if left <= 0:
            fail("no MO message and receipts within 10 s")
        client._socket.settimeout(left)
        try:
            client.read_once(auto_send_enquire_link=False)
        except TimeoutError:
            pass
    client._socket.settimeout(10)


def read_answer(command):
    """Reads up to the answer `command`, acting on a deliver_sm that comes before it."""
    while True:
        pdu = client.read_pdu()
        if pdu.command == command:
            return pdu.status
        if pdu.command == "deliver_sm":
            client._message_received(pdu)
        elif pdu.command == "enquire_link":
            client._enquire_link_received(pdu)


def main():
    client.connect()
    bind = {"trx": client.bind_transceiver, "tx": client.bind_transmitter, "rx": client.bind_receiver}[mode]
    bind(system_id="peer-smpplib", password="pw")
    result["bound"] = True

    if mode != "rx":
        text = smpplib.gsm.make_parts
        parts, coding, esm = text("tapis short 5€ @ noon")
        submit("short", 0, parts, coding, esm, receipt=1)
        parts, coding, esm = text("tapis long message " * 16)
        submit("long", 0, parts, coding, esm)
        parts, coding, esm = text("ทดสอบ 测试")
        submit("ucs2", 0, parts, coding, esm)
        submit("binary", 0, [b"\x00\x01\x02\xfe\xff"], 4)
        parts, coding, esm = text("please tapis-tag-me now")
        submit("tagged", 0, parts, coding, esm, receipt=1)
        parts, coding, esm = text("please tapis-block-me now")
        submit("blocked", expect_blocked, parts, coding, esm)
        # The words to be blocked lie across the cut.
        parts, coding, esm = text("blocked long " * 11 + "tapis-block-me" + " blocked long" * 5)
        submit("blocked long", expect_blocked, parts, coding, esm)
        payload = b"tapis long message " * 9 + b"please tapis-block-me now"
        submit("blocked in message_payload", expect_blocked, [payload], 0, field="message_payload")
    if mode != "tx":
        receive()

    client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=client))
    if read_answer("enquire_link_resp") != 0:
        fail("enquire_link was refused")
    result["enquire_link"] = True
    client.send_pdu(smpplib.smpp.make_pdu("unbind", client=client))
    if read_answer("unbind_resp") != 0:
        fail("unbind was refused")
    result["unbound"] = True
    client.disconnect()


try:
    main()
except Exception as e:
    fail(f"{type(e).__name__}: {e}")
print(json.dumps(result, separators=(",", ":")), flush=True)
