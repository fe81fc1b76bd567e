/** Where the files of the console are, for whoever serves them. */
import { fileURLToPath } from 'node:url';

/**
 * A folder with `index.html`, `console.js`, `console.css`, `icon.svg` and `third-party.txt`, and nothing else. They ask for the admin API at
 * `/api/v5` of the same origin, and need no inline script or style: `Content-Security-Policy: default-src 'self'`.
 */
export const consoleDirectory: string = fileURLToPath(new URL('../dist/web', import.meta.url));
