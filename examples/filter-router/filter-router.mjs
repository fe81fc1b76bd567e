/** Handlers by topic filter, inside one program: MQTT's routing without MQTT. */
import { SubscriptionTrie } from '@promptmq/topics';

const trie = new SubscriptionTrie();

function on(topicFilter, handle) {
  const handler = { handle, isConnected: true, isReady: true };
  trie.subscribe(handler, {
    topicFilter,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 0,
  });
  return () => trie.unsubscribe(handler, topicFilter);
}

function emit(topic, value) {
  const { recipients, groups } = trie.match(topic);
  for (const { session } of recipients) session.handle(topic, value);
  for (const group of groups) group.next()?.session.handle(topic, value);
}

on('orders/+/created', (topic, value) => console.log('created:', topic, value));
on('orders/#', (topic) => console.log('audit:', topic));
const workers = ['one', 'two'].map((name) =>
  on('$share/workers/orders/+/created', (topic) => console.log(`worker ${name} takes`, topic)),
);

emit('orders/1/created', { total: 12 });
emit('orders/2/created', { total: 7 });
emit('orders/2/paid', {});
for (const off of workers) off();
