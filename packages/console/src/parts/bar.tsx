/** A part of a whole, with its number. */
export function Bar({ part, text }: { readonly part: number; readonly text: string }) {
  const percent = Math.min(100, Math.max(0, part * 100));
  return (
    <span class="part">
      <span class="part-track" aria-hidden="true">
        <span class="part-fill" style={{ inlineSize: `${percent}%` }} />
      </span>
      <span class="part-text">{text}</span>
    </span>
  );
}
