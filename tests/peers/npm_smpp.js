// An ESME for tests made of npm smpp: `node npm_smpp.js HOST PORT MODE` (trx, tx or rx) binds, submits,
// receives, unbinds, and prints one JSON line with what came of it.
'use strict';
const os = require('os');
const path = require('path');
const home = process.env.TAPIS_PEERS_HOME || path.join(os.homedir(), '.cache', 'tapis-peers');
const smpp = require(path.join(home, 'node', 'node_modules', 'smpp'));

const [host, port, mode] = process.argv.slice(2);
const BIND = { trx: 'bind_transceiver', tx: 'bind_transmitter', rx: 'bind_receiver' }[mode];
const expectBlocked = Number(process.env.EXPECT_BLOCKED || 69);
const result = {
  peer: 'npm_smpp', mode, bound: false, submits: [], mo: 0, receipts: 0, receipts_to: [], enquire_link: false,
  unbound: false,
};

function fail(why) {
  console.error(`npm_smpp: ${why}; so far: ${JSON.stringify(result)}`);
  process.exit(1);
}
if (!BIND || !port) fail('usage: npm_smpp.js HOST PORT trx|tx|rx');
setTimeout(() => fail('not done within 30 s'), 30000);

const session = smpp.connect({ host, port: Number(port) });
const connected = new Promise((resolve) => session.on('connect', resolve));
session.on('error', (e) => fail(`connection: ${e.message}`));
session.on('close', () => { if (!result.unbound) fail('connection closed by the other side'); });
session.on('enquire_link', (p) => session.send(p.response()));

let onReceived = () => {};
session.on('deliver_sm', (p) => {
  session.send(p.response());
  const text = p.short_message.message.toString();
  if ((p.esm_class & 0x3c) === 4 && text.includes('stat:DELIVRD')) {
    result.receipts++;
    result.receipts_to.push(p.destination_addr);
  } else if (text.includes('mo hello')) result.mo++;
  onReceived();
});

const request = (command, params) => new Promise((resolve) => session[command](params || {}, resolve));

// Waits for one mobile-originated message, and for the receipts that were asked for.
function received() {
  return new Promise((resolve) => {
    const timer = setTimeout(() => fail('no MO message and receipts within 10 s'), 10000);
    onReceived = () => {
      if (result.mo < 1 || result.receipts < (mode === 'trx' ? 2 : 1)) return;
      clearTimeout(timer);
      resolve();
    };
    onReceived();
  });
}

async function submit(what, expected, messages) {
  const answers = await Promise.all(messages.map((m) => request('submit_sm', {
    source_addr: '12345', dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '66812345678', ...m,
  })));
  const bad = answers.find((a) => a.command_status !== 0);
  const status = bad ? bad.command_status : 0;
  result.submits.push({ what, status });
  if (status !== expected) fail(`${what}: status ${status}, expected ${expected}`);
}

async function main() {
  await connected;
  const bind = await request(BIND, { system_id: 'peer-npm_smpp', password: 'pw' });
  if (bind.command_status !== 0) fail(`bind answered with status ${bind.command_status}`);
  result.bound = true;

  if (mode !== 'rx') {
    const parts = (text, reference) => [text.slice(0, 153), text.slice(153)].map((message, i) => ({
      short_message: { udh: Buffer.from([5, 0, 3, reference, 2, i + 1]), message },
    }));
    await submit('short', 0, [{ short_message: 'tapis short 5€ @ noon', registered_delivery: 1 }]);
    await submit('long', 0, parts('tapis long message '.repeat(16), 42));
    await submit('ucs2', 0, [{ short_message: 'ทดสอบ 测试' }]);
    await submit('binary', 0, [{ data_coding: 4, short_message: Buffer.from([0, 1, 2, 0xfe, 0xff]) }]);
    await submit('tagged', 0, [{ short_message: 'please tapis-tag-me now', registered_delivery: 1 }]);
    await submit('blocked', expectBlocked, [{ short_message: 'please tapis-block-me now' }]);
    // The words to be blocked lie across the cut.
    const blockedLong = 'blocked long '.repeat(11) + 'tapis-block-me' + ' blocked long'.repeat(5);
    await submit('blocked long', expectBlocked, parts(blockedLong, 43));
    await submit('blocked in message_payload', expectBlocked, [{
      message_payload: 'tapis long message '.repeat(9) + 'please tapis-block-me now',
    }]);
  }
  if (mode !== 'tx') await received();

  const alive = await request('enquire_link');
  if (alive.command_status !== 0) fail(`enquire_link answered with status ${alive.command_status}`);
  result.enquire_link = true;
  const unbind = await request('unbind');
  if (unbind.command_status !== 0) fail(`unbind answered with status ${unbind.command_status}`);
  result.unbound = true;
  session.close();
  process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
}
main().catch((e) => fail(e.stack));
