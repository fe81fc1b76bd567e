// As people have it for EMQX 5: lists clients, kicks some, publishes. Nothing in it is this broker's but address and key.
const [address, key, secret, prefix] = process.argv.slice(2);
const base = `http://${address}/api/v5`;
const authorization = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;

async function ask(method, path, body) {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

const clients = [];
for (let page = 1; ; page++) {
  const query = `page=${page}&limit=2&like_clientid=${encodeURIComponent(prefix)}`;
  const { body } = await ask('GET', `/clients?${query}&conn_state=connected`);
  clients.push(...body.data);
  if (!body.meta.hasnext) break;
}
const fields = ['clientid', 'username', 'ip_address', 'port', 'proto_ver', 'keepalive'];
const listed = clients.map((client) => fields.map((field) => client[field]));

const kicked = [];
for (const { clientid, connected } of clients) {
  if (!connected || !clientid.endsWith('old')) continue;
  kicked.push((await ask('DELETE', `/clients/${encodeURIComponent(clientid)}`)).status);
}
kicked.push(await ask('DELETE', '/clients/nobody'));

const published = await ask('POST', '/publish', {
  payload_encoding: 'plain',
  topic: 'api/example/topic',
  qos: 1,
  payload: 'hello emqx api',
  properties: {
    payload_format_indicator: 0,
    message_expiry_interval: 60,
    response_topic: 'some_other_topic',
    correlation_data: 'aGVsbG8=',
    user_properties: { lang: 'en' },
    content_type: 'text/plain',
  },
  retain: false,
});
process.stdout.write(JSON.stringify({ listed, kicked, published }));
