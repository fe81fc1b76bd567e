/** A stand-in for `electron`: what main.mjs uses of it, without a display. */
import { EventEmitter } from 'node:events';

export const app = Object.assign(new EventEmitter(), {
  whenReady: async () => {},
  quit() {
    const event = { isPrevented: false, preventDefault: () => (event.isPrevented = true) };
    app.emit('will-quit', event);
    if (!event.isPrevented) app.emit('quit');
  },
});

export class BrowserWindow {
  static all = [];

  static getAllWindows = () => BrowserWindow.all;

  constructor({ webPreferences }) {
    this.webPreferences = webPreferences;
    BrowserWindow.all.push(this);
  }

  async loadFile(file, { query }) {
    this.file = file;
    this.query = query;
  }

  close() {
    BrowserWindow.all = BrowserWindow.all.filter((window) => window !== this);
    if (BrowserWindow.all.length === 0) app.emit('window-all-closed');
  }
}
