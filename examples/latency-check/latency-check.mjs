/**
 * Checks that a broker loses nothing at a fixed rate, and says how late messages are:
 *
 *   node latency-check.mjs [URL] [MESSAGES_A_SECOND]
 *
 * Without an address, it starts a broker of its own. It exits with 1 when a message was lost.
 */
import { formatMicros, measure, parseTarget } from '@promptmq/bench';
import { createBroker } from '@promptmq/server';

const [url, rate = '1000'] = process.argv.slice(2);
const broker = url === undefined ? await createBroker() : null;
try {
  const { lost, latency } = await measure(parseTarget(url ?? broker.url), {
    pattern: 'pairs',
    publishers: 10,
    subscribers: 10,
    qos: 1,
    ratePerSecond: Number(rate),
    seconds: 3,
  });
  console.log(`lost ${lost}, p50 ${formatMicros(latency.p50)}, p99 ${formatMicros(latency.p99)}`);
  if (lost > 0) process.exitCode = 1;
} finally {
  await broker?.stop();
}
