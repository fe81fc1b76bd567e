/** Runs Jest: its command's path differs from one project to the other. */
import { run } from 'jest';

await run();
