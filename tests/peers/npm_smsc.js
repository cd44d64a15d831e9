// An SMSC for tests made of npm smpp: `node npm_smsc.js PORT_OR_0` listens on 127.0.0.1, prints
// "listening PORT", then one JSON line for every PDU it receives, until SIGTERM.
'use strict';
const os = require('os');
const path = require('path');
const home = process.env.TAPIS_PEERS_HOME || path.join(os.homedir(), '.cache', 'tapis-peers');
const smpp = require(path.join(home, 'node', 'node_modules', 'smpp'));

// Received texts are to be printed as the octets they came as, so the library must not decode them.
// (deliver_sm keeps its filter: this program only sends it.)
for (const c of ['submit_sm', 'submit_multi', 'replace_sm']) {
  delete smpp.commands[c].params.short_message.filter;
}
delete smpp.tlvs.message_payload.filter;

const BINDS = { bind_transceiver: 'trx', bind_transmitter: 'tx', bind_receiver: 'rx' };
const receivers = new Map(); // system_id -> sessions bound as rx or trx
const queued = new Map(); // system_id -> receipts kept until such a session binds
let lastId = 0;

const hex = (v) => (Buffer.isBuffer(v) ? v.toString('hex') : '');

function report(state, p) {
  const o = {
    got: p.command,
    system_id: state.systemId || p.system_id || '',
    source_addr: p.source_addr || '',
    destination_addr: p.destination_addr || '',
    short_message_hex: hex(p.short_message),
    sequence_number: p.sequence_number,
  };
  for (const k of ['command_status', 'message_id', 'esm_class', 'data_coding', 'registered_delivery']) {
    if (p[k]) o[k] = p[k];
  }
  if (p.message_payload !== undefined) o.message_payload_hex = hex(p.message_payload);
  if (p.dest_address) o.destination_addr = p.dest_address.map((d) => d.destination_addr || d.dl_name).join(',');
  process.stdout.write(JSON.stringify(o) + '\n');
}

function receiptText(id) {
  return `id:${id} sub:001 dlvrd:001 submit date:2401011200 done date:2401011201 stat:DELIVRD err:000 text:x`;
}

// The receipt goes to the submitting session if that can receive, else to the
// newest receiving session of the same system_id, else it waits for one.
function sendReceipt(session, state, receipt) {
  const list = receivers.get(state.systemId) || [];
  if (list.includes(session)) session.deliver_sm(receipt);
  else if (list.length > 0) list[list.length - 1].deliver_sm(receipt);
  else {
    if (!queued.has(state.systemId)) queued.set(state.systemId, []);
    queued.get(state.systemId).push(receipt);
  }
}

function forget(session, state) {
  const list = receivers.get(state.systemId) || [];
  const i = list.indexOf(session);
  if (i >= 0) list.splice(i, 1);
  clearTimeout(state.timer);
}

function onBind(session, state, p) {
  if (state.mode) return session.send(p.response({ command_status: smpp.ESME_RALYBND }));
  const refuse = /^refuse-(\d+)$/.exec(p.system_id);
  if (refuse) {
    session.send(p.response({ command_status: Number(refuse[1]) }), () => session.close());
    return;
  }
  state.mode = BINDS[p.command];
  state.systemId = p.system_id;
  session.send(p.response({ system_id: 'NPMSMSC' }));
  if (state.mode === 'tx') return;

  if (!receivers.has(state.systemId)) receivers.set(state.systemId, []);
  receivers.get(state.systemId).push(session);
  const receipts = queued.get(state.systemId) || [];
  queued.delete(state.systemId);
  if (state.mode === 'rx' && receipts.length === 0) {
    receipts.push({
      source_addr: '66812345678', destination_addr: '12345', esm_class: 4, short_message: receiptText('made-up-1'),
    });
  }
  for (const r of receipts) session.deliver_sm(r);
  state.timer = setTimeout(() => {
    for (const short_message of ['mo please tapis-block-me', 'mo hello']) {
      session.deliver_sm({
        source_addr_ton: 1, source_addr_npi: 1, source_addr: '66812345678', destination_addr: '12345', short_message,
      });
    }
  }, 300);
}

function onSubmit(session, state, p) {
  const id = `npm-${++lastId}`;
  session.send(p.response({ message_id: id }));
  if (!(p.registered_delivery & 3)) return;
  sendReceipt(session, state, {
    source_addr_ton: p.dest_addr_ton, source_addr_npi: p.dest_addr_npi, source_addr: p.destination_addr,
    dest_addr_ton: p.source_addr_ton, dest_addr_npi: p.source_addr_npi, destination_addr: p.source_addr,
    esm_class: 4, short_message: receiptText(id),
  });
}

const server = smpp.createServer((session) => {
  const state = { mode: null, systemId: '', timer: null };
  session.on('error', (e) => {
    console.error(`npm_smsc: ${e.message}`);
    session.destroy();
  });
  session.on('close', () => forget(session, state));
  session.on('pdu', (p) => {
    report(state, p);
    if (p.isResponse() || session.listenerCount(p.command) > 0) return;
    const { sequence_number } = p;
    session.send(new smpp.PDU('generic_nack', { command_status: smpp.ESME_RINVCMDID, sequence_number }));
  });
  for (const b of Object.keys(BINDS)) session.on(b, (p) => onBind(session, state, p));

  // Everything else is for bound sessions only.
  const on = (command, f) => session.on(command, (p) => {
    if (state.mode) f(p);
    else session.send(p.response({ command_status: smpp.ESME_RINVBNDSTS }));
  });
  on('submit_sm', (p) => onSubmit(session, state, p));
  on('submit_multi', (p) => session.send(p.response({ message_id: `npm-${++lastId}`, unsuccess_sme: [] })));
  on('data_sm', (p) => session.send(p.response({ message_id: `npm-${++lastId}` })));
  on('query_sm', (p) => session.send(p.response({
    message_id: p.message_id, final_date: '', message_state: 2, error_code: 0,
  })));
  on('cancel_sm', (p) => session.send(p.response()));
  on('replace_sm', (p) => session.send(p.response()));
  session.on('enquire_link', (p) => session.send(p.response()));
  on('unbind', (p) => {
    forget(session, state);
    session.send(p.response(), () => session.close());
  });
});

process.on('SIGTERM', () => {
  for (const s of [...server.sessions]) s.destroy();
  server.close(() => process.exit(0));
});

const port = Number(process.argv[2]);
if (!Number.isInteger(port)) {
  console.error('usage: npm_smsc.js PORT_OR_0');
  process.exit(1);
}
server.on('error', (e) => {
  console.error(`npm_smsc: ${e.message}`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
