import { z } from 'zod';
import { eventsAnswer, operation } from '../api/operation.ts';

export const traceOperations = [
  operation({
    id: 'traceClient',
    method: 'GET',
    path: '/clients/{clientid}/trace',
    scope: 'read',
    tag: 'Trace',
    summary:
      'Server-Sent Events of every packet of a client from now on, whether it is connected or connects later. Of payloads, passwords and the like they have only the sizes',
    params: z.object({ clientid: z.string().min(1) }),
    answers: {
      200: {
        description: 'Continues until one side ends it',
        schema: z.string(),
        type: 'text/event-stream',
      },
    },
    handle: ({ host: { broker, streams }, caller, params: { clientid } }) =>
      eventsAnswer(
        streams.open(caller.name, 'trace', (stream) =>
          broker.traceClient(clientid, (event) => {
            const { fields, ...head } = { fields: {}, ...event };
            stream.send(event.event, { ts: Date.now(), ...head, ...fields });
          }),
        ),
      ),
  }),
];
