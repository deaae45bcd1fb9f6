// Baileys with its file store as a benchmark peer: JSON lines on standard input and output.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const home = path.resolve(import.meta.dirname, '../interop/baileys');
const require = createRequire(path.join(home, 'package.json'));
const baileys = await import(pathToFileURL(require.resolve('baileys')).href);
const { default: makeSocket, useMultiFileAuthState, WA_CERT_DETAILS, DisconnectReason } = baileys;

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(process.env.WHARF_NOISE_ROOT, 'hex');
const tell = (event, more = {}) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
const silent = { level: 'silent', trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {}, child() { return silent; } };

let socket;
let expected = 0;
let acked = 0;
let wake = () => {};

async function connect() {
  const { state, saveCreds } = await useMultiFileAuthState(process.env.WHARF_STORE);
  socket = makeSocket({
    auth: state, waWebSocketUrl: process.env.WHARF_CHAT_URL, logger: silent, markOnlineOnConnect: false, syncFullHistory: false,
  });
  socket.ev.on('creds.update', saveCreds);
  socket.ev.on('connection.update', ({ connection, qr, lastDisconnect }) => {
    if (qr) tell('qr', { qr });
    if (connection === 'open') tell('open');
    if (connection === 'close' && lastDisconnect?.error?.output?.statusCode === DisconnectReason.restartRequired) connect();
  });
  socket.ev.on('messages.upsert', ({ messages }) => {
    for (const message of messages) {
      if (message.key.fromMe || !message.message) continue;
      if (expected > 0 && --expected === 0) tell('received');
    }
  });
  socket.ws.on('CB:ack,class:message', () => { acked += 1; wake(); });
}

async function send(to, count) {
  const wanted = acked + count;
  for (let i = 0; i < count; i += 1) await socket.sendMessage(`${to}@s.whatsapp.net`, { text: `benchmark text number ${i}` });
  while (acked < wanted) await new Promise((resolve) => { wake = resolve; });
  tell('sent');
}

await connect();
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.cmd === 'send') await send(command.to, command.count);
  if (command.cmd === 'receive') { expected = command.count; tell('receiving'); }
}
