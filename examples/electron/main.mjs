/** The main process: it has the broker, and each window is a client of it. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createBroker } from '@promptmq/server';
import { app, BrowserWindow } from 'electron';

// Any program of this machine can reach a port of it, so windows have a password, another one each time.
const secret = randomUUID();
const broker = await createBroker(
  { server: { bind: 'none', wsBind: '127.0.0.1:0' }, auth: { allowAnonymous: false } },
  { hooks: { authenticate: (_client, { password }) => password?.toString() === secret } },
);

async function openWindow() {
  const window = new BrowserWindow({
    width: 800,
    height: 600,
    webPreferences: { nodeIntegration: false, contextIsolation: true, sandbox: true },
  });
  // A page needs nothing of Node.js: it speaks MQTT over WebSocket, at the address that it is given.
  await window.loadFile(fileURLToPath(new URL('page/index.html', import.meta.url)), {
    query: { broker: broker.wsUrl, secret },
  });
}

await app.whenReady();
await openWindow();
app.on('activate', () => {
  if (BrowserWindow.getAllWindows().length === 0) void openWindow();
});
app.on('window-all-closed', () => app.quit());

// Clients are told that the broker goes (DISCONNECT 0x8B), and with `storage` the log is closed; then the process may end.
let isStopped = false;
app.on('will-quit', (event) => {
  if (isStopped) return;
  event.preventDefault();
  void broker.stop().then(() => {
    isStopped = true;
    app.quit();
  });
});
