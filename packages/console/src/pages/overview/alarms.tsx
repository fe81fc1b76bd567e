import { Ago, Name } from '../../parts/basic.tsx';
import type { Alarm } from './figures.ts';

/** What an operator should know of, and what to do about it. */
export function Alarms({ alarms }: { readonly alarms: readonly Alarm[] }) {
  if (alarms.length === 0) return null;
  return (
    <section class="alarms" aria-label="Alarms">
      {alarms.map(({ name, message, details, activate_at }) => (
        <article key={name} class="alarm">
          <h2>
            <Name value={message} max={300} />
          </h2>
          <p>
            {typeof details['remedy'] === 'string' && `${details['remedy']} `}
            <span class="muted">
              <Name value={name} />, <Ago at={activate_at} />
            </span>
          </p>
        </article>
      ))}
    </section>
  );
}
