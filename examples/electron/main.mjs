/** The main process: it has the broker; each window is a client of it, and devices on the network may be. */
import { fileURLToPath } from 'node:url';
import { createBroker } from '@promptmq/server';
import { app, BrowserWindow } from 'electron';

const { BIND = 'none', WS_BIND = '127.0.0.1:0' } = process.env;
const broker = await createBroker({ server: { bind: BIND, wsBind: WS_BIND } });

async function openWindow() {
  const window = new BrowserWindow({
    width: 800,
    height: 600,
    webPreferences: { nodeIntegration: false, contextIsolation: true, sandbox: true },
  });
  // A page needs nothing of Node.js: it speaks MQTT over WebSocket to the address that it is given.
  await window.loadFile(fileURLToPath(new URL('page/index.html', import.meta.url)), {
    query: { broker: broker.wsUrl },
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
